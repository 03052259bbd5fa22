// Elements that tell time. The server sends instants; these count from them, by the server's clock, so that a
// browser whose clock is wrong shows right times.

let ahead = 0; // milliseconds that the server's clock is ahead of ours
const ticking = new Set();

export const serverNow = () => Date.now() + ahead;

setInterval(() => ticking.forEach((element) => element.tick()), 1000);

class Ticking extends HTMLElement {
  static observedAttributes = ["since", "as-of", "now", "zone", "late-after"];

  constructor() {
    super();
    this.attachShadow({ mode: "open" }).append((this.text = document.createElement("span")));
  }

  connectedCallback() {
    ticking.add(this);
    this.tick();
  }

  disconnectedCallback() {
    ticking.delete(this);
  }

  attributeChangedCallback() {
    if (this.isConnected) this.tick();
  }

  number(name) {
    return Number(this.getAttribute(name));
  }

  // The state is a part of the shadow tree: a partial update of the element cannot take it away.
  show(text, state = "") {
    if (this.text.textContent !== text) this.text.textContent = text;
    if (this.text.part.value !== state) this.text.part.value = state;
  }
}

function duration(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** <cp-elapsed since="ms" late-after="seconds">: time since an instant. Late is marked by a sign and by the part `late`. */
class Elapsed extends Ticking {
  tick() {
    const passed = serverNow() - this.number("since");
    const late = this.hasAttribute("late-after") && passed > this.number("late-after") * 1000;
    this.show((late ? "▲ " : "") + duration(passed), late ? "late" : "");
  }
}

/** <cp-clock zone="Europe/Berlin">: the time of day there. */
class Clock extends Ticking {
  tick() {
    const style = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: this.getAttribute("zone") };
    this.show(new Intl.DateTimeFormat(document.documentElement.lang, style).format(serverNow()));
  }
}

/**
 * <cp-age as-of="ms" now="ms">: how old the page's data are. `now` is the server's clock when it sent this. The part
 * becomes ageing after 10 seconds and stale after 30.
 */
class Age extends Ticking {
  attributeChangedCallback(name, before, after) {
    if (name === "now" && before !== after) ahead = Number(after) - Date.now();
    super.attributeChangedCallback();
  }

  tick() {
    const seconds = Math.max(0, Math.floor((serverNow() - this.number("as-of")) / 1000));
    const state = seconds < 10 ? "fresh" : seconds < 30 ? "ageing" : "stale";
    const age = seconds < 120 ? `${seconds} s` : `${Math.floor(seconds / 60)} min`;
    this.show(`${this.getAttribute(state)} ${age}`, state);
  }
}

customElements.define("cp-age", Age);
customElements.define("cp-clock", Clock);
customElements.define("cp-elapsed", Elapsed);
