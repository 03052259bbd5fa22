// Says so, in words, when live updates stop and when they are back.
const notice = document.getElementById("connection");

const lost = () => notice && (notice.textContent = notice.dataset.lost);
const back = () => notice && (notice.textContent = "");

document.addEventListener("htmx:sse:error", lost);
document.addEventListener("htmx:sse:close", lost);
document.addEventListener("htmx:sse:after:connection", back);
document.addEventListener("htmx:sse:before:connection", (event) => event.detail.connection?.attempt > 1 && lost());
