// Says so, in words, when live updates stop and when they are back.
const notice = document.getElementById("connection");

const say = (text) => notice && (notice.textContent = text);
const lost = (event) => say(event?.detail?.status === 403 ? notice?.dataset.ended : notice?.dataset.lost);

document.addEventListener("htmx:sse:error", lost);
document.addEventListener("htmx:sse:after:connection", () => say(""));
