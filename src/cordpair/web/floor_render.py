"""Turns a floor view into HTML: the whole page, its sections one by one, and what stands behind a number."""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from cordpair.core.agent import AgentState
from cordpair.core.ids import QueueId
from cordpair.web.floor_view import CallRow, CallSet, FloorView
from cordpair.web.floor_words import Words, duration
from cordpair.web.pages import templates

#: The sections of the page in reading order; each is an element of that id and a template of that name.
SECTIONS = ("strip", "queues", "calls", "ended", "quota", "attention", "agents")

#: Rows that a table shows at most; the rest is counted.
MOST_ROWS = 250

#: Views (tenant and language) whose drawn rows are kept for the next drawing.
_VIEWS_KEPT = 64

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
        self._drawn: dict[tuple[str, str, str], dict[Hashable, str]] = {}

    def sections(self, view: FloorView, language: str) -> Mapping[str, str]:
        """HTML of every section by element id. It does not depend on the clock: equal views give equal text."""
        drawn_for = (view.tenant, language, view.time_zone)
        before, now = self._drawn.pop(drawn_for, {}), self._drawn.setdefault(drawn_for, {})
        while len(self._drawn) > _VIEWS_KEPT:
            del self._drawn[next(iter(self._drawn))]
        values = self._with_parts(self._values(view, language), before, now)
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
        about = {"of": of.value, "queue_name": queue_name, "calls": calls}
        return self._with_parts(self._values(view, language) | about, {}, {})

    def _template(self, name: str, values: Mapping[str, Any]) -> str:
        return self._templates.get_template(f"floor/{name}").render(values)

    def _values(self, view: FloorView, language: str) -> dict[str, Any]:
        zone, words = ZoneInfo(view.time_zone), Words(language)
        return {
            "t": words,
            "view": view,
            "n": view.numbers,
            "q": view.quota,
            "crew": _CREW,
            "most": MOST_ROWS,
            "duration": duration,
            "ms": lambda at: int(at.timestamp() * 1000),
            "moment": lambda at: words.moment(at.astimezone(zone), view.as_of.astimezone(zone)),
            "at": lambda at: f"{at.astimezone(zone):%H:%M:%S}",
            "colour": lambda text: text if re.fullmatch(r"#[0-9a-fA-F]{6}", text) else "#5b5fc7",
            "drill": lambda of, queue: address("/floor/calls", {"of": of, "queue": queue or "", "lang": language}),
            "retry": lambda parked: address(f"/floor/parked/{quote(parked, safe='')}/retry", {"lang": language}),
        }

    def _with_parts(
        self, values: dict[str, Any], before: Mapping[Hashable, str], now: dict[Hashable, str]
    ) -> dict[str, Any]:
        """Add the templates' shared parts, and `row`: it draws a table row or takes it from the view before.

        Most rows stay as they are from one view to the next, and rows are most of the work.
        """
        parts = self._templates.get_template("floor/parts.html").make_module(values)

        def row(macro: str, *about: Hashable) -> str:
            key = (macro, *about)
            now[key] = before.get(key) or getattr(parts, macro)(*about)
            return now[key]

        return values | {"parts": parts, "row": row}


def address(path: str, query: Mapping[str, str]) -> str:
    """A path with the parameters that are not empty."""
    given = urlencode({name: value for name, value in query.items() if value})
    return f"{path}?{given}" if given else path


def partials(sections: Mapping[str, str]) -> str:
    """Sections as htmx partials: each replaces the element of its id, keeping what did not change."""
    return "".join(
        f'<hx-partial hx-target="#{name}" hx-swap="outerMorph">{html}</hx-partial>' for name, html in sections.items()
    )


def notice(element: str, text: str) -> str:
    """A sentence for one of the page's two notice lines (`connection`, `told`), as an htmx partial."""
    return f'<hx-partial hx-target="#{element}" hx-swap="innerHTML">{escape(text)}</hx-partial>'


def server_sent(html: str) -> bytes:
    """One unnamed server-sent event."""
    return b"".join(b"data: " + line.encode() + b"\n" for line in html.splitlines()) + b"\n"
