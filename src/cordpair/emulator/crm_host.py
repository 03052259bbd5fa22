"""What the emulated CRMs other than iMIS share: people, entries, tokens, and answers that go wrong on demand.

Each of them is a strict recorded contract: it refuses what the real one refuses, in the real one's words.
"""

import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from cordpair.emulator import bad_answers
from cordpair.emulator.imis_faults import Fault

Row = dict[str, object]


class Clock(Protocol):
    """Tells the time, aware UTC, and lets it pass."""

    def now(self) -> datetime: ...
    async def sleep(self, seconds: float) -> None: ...


@dataclass
class Person:
    """A party as a CRM holds it. `kind` is the entity's name in that CRM, `phones` are by column."""

    id: str
    name: str
    kind: str
    phones: dict[str, str]
    company: str = ""
    changed_at: datetime | None = None

    @property
    def first_name(self) -> str:
        return self.name.rpartition(" ")[0]

    @property
    def last_name(self) -> str:
        return self.name.rpartition(" ")[2]


@dataclass
class Entry:
    """An activity or a task that somebody has written. `key` is what makes it unique, if anything does."""

    id: str
    kind: str
    columns: Row
    created_at: datetime
    key: str = ""


class Refused(Exception):
    """The CRM says no, in its own shape."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(str(status))
        self.status, self.body = status, body


#: Carries out one request.
Handler = Callable[[Request], Awaitable[Response]]


@dataclass
class CrmHost:
    """One installation. `page_cap` is the most that a page holds, whatever is asked for."""

    clock: Clock
    people: list[Person]
    page_cap: int = 1000
    token_life_s: float = 3600.0
    client: tuple[str, str] = ("cordpair", "lamp&wick+1% ä")
    entries: list[Entry] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    _tokens: dict[str, datetime] = field(default_factory=dict)

    def new_token(self) -> str:
        token = secrets.token_urlsafe(18)
        self._tokens[token] = self.clock.now() + timedelta(seconds=self.token_life_s)
        return token

    def is_good(self, request: Request) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        until = self._tokens.get(token)
        return scheme == "Bearer" and until is not None and self.clock.now() < until

    def of(self, kind: str) -> list[Person]:
        """The people of one entity, in the order of their ids."""
        return sorted((one for one in self.people if one.kind == kind), key=lambda one: one.id)

    def entry(self, kind: str, *, number: str = "", key: str = "") -> Entry | None:
        """The entry with this id or key."""
        entries = (one for one in self.entries if one.kind == kind)
        return next((one for one in entries if (number and one.id == number) or (key and one.key == key)), None)

    def change(self, person_id: str) -> None:
        """Somebody changes a party."""
        for one in self.people:
            if one.id == person_id:
                one.changed_at = self.clock.now()

    async def answer(self, request: Request, handler: Handler, *, unauthorized: Response) -> Response:
        """Carry a request out, unless something goes wrong. `unauthorized` is what a bad token gets."""
        self.requests.append((request.method, request.url.path))
        fault = next((one for one in self.faults if one.hits(request.method, request.url.path)), None)
        if fault is not None and (bad := await self._planned(fault, unauthorized)) is not None:
            return bad
        if not self.is_good(request):
            return unauthorized
        try:
            answer = await handler(request)
        except Refused as exc:
            answer = as_json(exc.body, exc.status)
        if fault is None:
            return answer
        return bad_answers.Cut() if fault.kind == "created_then_cut" else as_json({"message": "internal error"}, 500)

    async def _planned(self, fault: Fault, unauthorized: Response) -> Response | None:
        match fault.kind:
            case "throttle":
                return Response("", 429, {"Retry-After": fault.retry_after} if fault.retry_after else {})
            case "error":
                return as_json({"message": "internal error"}, 500)
            case "html":
                return bad_answers.page("Service Unavailable", 503)
            case "unauthorized":
                return unauthorized
            case "cut":
                return bad_answers.Cut()
            case "huge":
                return bad_answers.huge()
            case "drip":
                return bad_answers.Drip()
            case "slow":
                await self.clock.sleep(fault.delay_s)
        return None


def as_json(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(body), status, headers, "application/json; charset=utf-8")


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form; nothing of any other content."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return {}
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))


def only(given: Iterable[str], known: Iterable[str], refuse: Callable[[str], Refused]) -> None:
    """Raises what `refuse` makes of the first name that is not known."""
    allowed = set(known)
    for name in given:
        if name not in allowed:
            raise refuse(name)


def digits(text: str) -> str:
    return "".join(mark for mark in text if mark.isdigit())
