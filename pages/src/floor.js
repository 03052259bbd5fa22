// What the floor page does in the browser: live partial updates (htmx over server-sent events), clocks that tick
// between them, and the drawer that shows the calls behind a number.
import "htmx.org/dist/htmx.esm.js";
import "htmx.org/dist/ext/hx-sse.js";
import "@fluentui/web-components/badge.js";
import "@fluentui/web-components/button.js";
import "@fluentui/web-components/drawer-body.js";
import "@fluentui/web-components/drawer.js";
import "@fluentui/web-components/progress-bar.js";
import "./clocks.js";
import "./drawer.js";
import "./connection.js";
