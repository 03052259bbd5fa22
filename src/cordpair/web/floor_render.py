"""Turns a floor view into HTML: the whole page, its sections one by one, and what stands behind a number."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from markupsafe import Markup

from cordpair.core.agent import AgentState
from cordpair.core.ids import QueueId
from cordpair.web.floor_view import CallRow, CallSet, FloorView
from cordpair.web.floor_words import Words, duration
from cordpair.web.pages import templates

#: The sections of the page in reading order; each is an element of that id and a template of that name.
SECTIONS = ("strip", "queues", "calls", "ended", "quota", "attention", "agents")

#: Rows that a table shows at most; the rest is counted.
MOST_ROWS = 250

_CREW = (
    AgentState.READY,
    AgentState.RINGING,
    AgentState.TALKING,
    AgentState.WRAP_UP,
    AgentState.BREAK,
    AgentState.NOT_RESPONDING,
    AgentState.OFFLINE,
)


class FloorPages:
    """Renders. Pure apart from reading the templates; `clock` gives the server's time, aware."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._templates = templates()

    def sections(self, view: FloorView, language: str) -> Mapping[str, str]:
        """HTML of every section by element id. It does not depend on the clock: equal views give equal text."""
        values = self._values(view, language)
        return {name: self._template(f"{name}.html", values) for name in SECTIONS}

    def page(self, view: FloorView, language: str, theme: str) -> str:
        """The whole page. `theme` is light, dark, contrast, or empty for the system's."""
        asked = {"lang": language, "theme": theme}
        return self._template(
            "page.html",
            self._values(view, language)
            | {
                "sections": {name: Markup(html) for name, html in self.sections(view, language).items()},  # noqa: S704
                "theme": theme,
                "now": self._clock(),
                "as_of": view.as_of,
                "live": address("/floor/live", {"lang": language}),
                "display": lambda **change: address(
                    "/floor", {k: v for k, v in (asked | change).items() if v != "auto"}
                ),
            },
        )

    def as_of(self, view: FloorView, language: str) -> str:
        """The age of the data, as of now."""
        return self._template("as_of.html", self._values(view, language) | {"as_of": view.as_of, "now": self._clock()})

    def drill(
        self, view: FloorView, language: str, of: CallSet, queue: QueueId | None, calls: Sequence[CallRow]
    ) -> str:
        """The calls behind a number, for the drawer."""
        return self._template("drill.html", self._drill_values(view, language, of, queue, calls) | {"in_drawer": True})

    def drill_page(
        self, view: FloorView, language: str, theme: str, of: CallSet, queue: QueueId | None, calls: Sequence[CallRow]
    ) -> str:
        """The same as a page of its own, for a browser without scripts or a link that was sent on."""
        back = address("/floor", {"lang": language, "theme": theme})
        values = self._drill_values(view, language, of, queue, calls) | {
            "theme": theme,
            "back": back,
            "in_drawer": False,
        }
        return self._template("drill_page.html", values)

    def problem(self, language: str, theme: str, what: str) -> str:
        """A page that says what is wrong and how to go on. `what` is refused | missing | away | failed."""
        values = {"t": Words(language), "theme": theme, "what": what, "reload": what == "away"}
        return self._template("problem.html", values)

    def _drill_values(
        self, view: FloorView, language: str, of: CallSet, queue: QueueId | None, calls: Sequence[CallRow]
    ) -> dict[str, Any]:
        names = {tile.id: tile.name for tile in view.queues}
        queue_name = names.get(queue, queue) if queue else ""
        return self._values(view, language) | {"of": of.value, "queue_name": queue_name, "calls": calls}

    def _template(self, name: str, values: Mapping[str, Any]) -> str:
        return self._templates.get_template(f"floor/{name}").render(values)

    def _values(self, view: FloorView, language: str) -> dict[str, Any]:
        zone = ZoneInfo(view.time_zone)
        return {
            "t": Words(language),
            "view": view,
            "n": view.numbers,
            "q": view.quota,
            "crew": _CREW,
            "most": MOST_ROWS,
            "duration": duration,
            "ms": lambda at: int(at.timestamp() * 1000),
            "at": lambda at: f"{at.astimezone(zone):%H:%M:%S}",
            "colour": lambda text: text if re.fullmatch(r"#[0-9a-fA-F]{6}", text) else "#5b5fc7",
            "drill": lambda of, queue: address("/floor/calls", {"of": of, "queue": queue or "", "lang": language}),
            "retry": lambda parked: address(f"/floor/parked/{quote(parked, safe='')}/retry", {"lang": language}),
        }


def address(path: str, query: Mapping[str, str]) -> str:
    """A path with the parameters that are not empty."""
    given = urlencode({name: value for name, value in query.items() if value})
    return f"{path}?{given}" if given else path


def partials(sections: Mapping[str, str]) -> str:
    """Sections as htmx partials: each replaces the element of its id, keeping what did not change."""
    return "".join(
        f'<hx-partial hx-target="#{name}" hx-swap="outerMorph">{html}</hx-partial>' for name, html in sections.items()
    )


def server_sent(html: str) -> bytes:
    """One unnamed server-sent event."""
    return b"".join(b"data: " + line.encode() + b"\n" for line in html.splitlines()) + b"\n"
