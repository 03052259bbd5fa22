// The drawer with the calls behind a number: opens when htmx has filled it, gives the focus back when it closes.
const drawer = document.querySelector("fluent-drawer");
let opener = null;

document.addEventListener("click", (event) => {
  opener = event.target.closest("[data-drill]") ?? opener;
});

document.addEventListener("htmx:after:swap", () => {
  if (drawer?.querySelector("[data-calls]:not([data-seen])")) {
    drawer.querySelector("[data-calls]").setAttribute("data-seen", "");
    drawer.show();
  }
});

drawer?.addEventListener("toggle", (event) => {
  if (event.detail?.newState !== "closed") return;
  // The number may have been redrawn meanwhile; its id has not changed.
  (document.getElementById(opener?.id) ?? opener)?.focus();
});

drawer?.querySelector("[slot=close]")?.addEventListener("click", () => drawer.hide());
