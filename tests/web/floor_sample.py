"""Floors for the tests of the page: plausible, awkward, empty; and a source that holds one of them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from cordpair.core.agent import AgentState
from cordpair.core.audit import Actor
from cordpair.core.call import CallState, EndedBy, Outcome
from cordpair.core.caller import CallerKind, Grade
from cordpair.core.ids import AgentId, CallId, QueueId, TenantId
from cordpair.errors import Rejected
from cordpair.web.floor_view import (
    AgentRow,
    CallRow,
    CallSet,
    FactSource,
    FloorView,
    Numbers,
    ParkedRow,
    PendingRow,
    QueueTile,
    Quota,
)

TENANT = TenantId("0b6c5a1e-3f0a-4f3e-9b62-5e6f1c0a7d11")
OTHER = TenantId("7a1d2c3b-1111-4222-8333-944455566677")
NOON = datetime(2026, 11, 23, 11, 0, 0, tzinfo=UTC)  # 12:00 in Berlin
S = AgentState


def ago(seconds: float) -> datetime:
    return NOON - timedelta(seconds=seconds)


def empty() -> FloorView:
    return FloorView(tenant=TENANT, organisation="Nordlicht e. V.", as_of=NOON)


def queue(number: int, name: str, **more: Any) -> QueueTile:
    colours = ("#5b5fc7", "#0f7b8a", "#b4561f")
    return QueueTile(id=QueueId(f"q{number}"), name=name, colour=colours[number % 3], **more)


def live_call(key: int, state: CallState, since_s: float, **more: Any) -> CallRow:
    values: dict[str, Any] = {"queue": QueueId("q0"), "queue_name": "Membership", "number": f"+4930555{key:04}"}
    return CallRow(
        call=CallId(f"c{key}"), state=state, since=ago(since_s), arrived_at=ago(since_s + 9), **(values | more)
    )


def agent(number: int, name: str, state: AgentState, since_s: float, **more: Any) -> AgentRow:
    return AgentRow(id=AgentId(f"a{number}"), name=name, state=state, since=ago(since_s), **more)


def ended_call(key: int, outcome: Outcome, **more: Any) -> CallRow:
    arrived = ago(300 + key * 97)
    talked = outcome is Outcome.ANSWERED
    values: dict[str, Any] = {
        "queue": QueueId("q0"),
        "queue_name": "Membership",
        "number": f"+4930777{key:04}",
        "connected_at": arrived + timedelta(seconds=11) if talked else None,
        "ended_at": arrived + timedelta(seconds=190 if talked else 24),
        "ended_by": EndedBy.CALLER,
    }
    return CallRow(
        call=CallId(f"e{key}"),
        state=CallState.CLOSED,
        since=arrived + timedelta(seconds=200),
        arrived_at=arrived,
        outcome=outcome,
        **(values | more),
    )


IMIS = {"grade": Grade.EXACT, "candidates": 1, "connector": "imis"}


def plausible() -> FloorView:
    """A floor at noon."""
    queues = (
        queue(
            0,
            "Membership",
            waiting_since=ago(47),
            numbers=Numbers(
                offered=142,
                answered=124,
                answered_in_target=111,
                abandoned=12,
                abandoned_short=4,
                flowed_out=4,
                waiting=2,
                answer_wait_s=1736,
            ),
            agents={S.READY: 0, S.RINGING: 1, S.TALKING: 4, S.WRAP_UP: 2, S.BREAK: 1, S.OFFLINE: 2},
        ),
        queue(
            1,
            "Events and seminars",
            numbers=Numbers(
                offered=61, answered=58, answered_in_target=55, abandoned=3, abandoned_short=1, answer_wait_s=522
            ),
            agents={S.READY: 3, S.TALKING: 2, S.WRAP_UP: 0, S.BREAK: 0},
        ),
        queue(
            2,
            "Billing (English)",
            target_share=0.9,
            waiting_since=ago(8),
            numbers=Numbers(
                offered=37,
                answered=29,
                answered_in_target=21,
                abandoned=7,
                abandoned_short=2,
                waiting=1,
                answer_wait_s=899,
            ),
            agents={S.READY: 1, S.TALKING: 1, S.WRAP_UP: 1, S.BREAK: 1, S.NOT_RESPONDING: 1},
        ),
    )
    calls = (
        live_call(
            1,
            CallState.QUEUED,
            47,
            name="Jonas Weidenbach",
            company="Weidenbach & Söhne",
            record_link="https://crm.example/p/7",
            **IMIS,
        ),
        live_call(2, CallState.QUEUED, 21, kind=CallerKind.WITHHELD, number=""),
        live_call(3, CallState.OFFERED, 6, name="Hanna Brückner", agent_name="Mara Lindqvist", **IMIS),
        live_call(
            4,
            CallState.CONNECTED,
            312,
            name="Oliver Tamsin",
            company="Harbour Trust",
            agent_name="Theo Ostmann",
            grade=Grade.NATIONAL,
            candidates=1,
            connector="imis",
            queue_name="Billing (English)",
        ),
        live_call(5, CallState.CONNECTED, 95, agent_name="Ines Falkner", number="+442079460018"),
        live_call(
            6,
            CallState.CONNECTED,
            41,
            name="Petra Sommerfeld",
            agent_name="Emil Reuter",
            grade=Grade.SUFFIX,
            candidates=3,
            connector="imis",
            source=FactSource.GRAPH_READ,
        ),
        live_call(7, CallState.WRAP_UP, 18, name="Ruth Adler", agent_name="Nora Veith", **IMIS),
        live_call(8, CallState.RINGING, 2, number="+4915112345678", queue_name="Events and seminars"),
    )
    agents = (
        agent(1, "Mara Lindqvist", S.RINGING, 6, queues=("Membership",), presence="Available", presence_at=ago(31)),
        agent(2, "Theo Ostmann", S.TALKING, 312, queues=("Billing (English)",), presence="Busy", presence_at=ago(300)),
        agent(
            3,
            "Ines Falkner",
            S.TALKING,
            95,
            queues=("Membership", "Billing (English)"),
            presence="Busy",
            presence_at=ago(80),
            after=S.BREAK,
        ),
        agent(4, "Nora Veith", S.WRAP_UP, 18, queues=("Membership",), presence="Available", presence_at=ago(15)),
        agent(5, "Emil Reuter", S.TALKING, 41, queues=("Membership",), presence="DoNotDisturb", presence_at=ago(39)),
        agent(
            6, "Carla Weyer", S.READY, 77, queues=("Events and seminars",), presence="Available", presence_at=ago(64)
        ),
        agent(
            7,
            "Samuel Brandt",
            S.BREAK,
            512,
            reason="Lunch",
            queues=("Membership",),
            presence="Away",
            presence_at=ago(505),
        ),
        agent(
            8,
            "Lena Hoffstadt",
            S.NOT_RESPONDING,
            130,
            queues=("Billing (English)",),
            presence="Available",
            presence_at=ago(20),
        ),
        agent(9, "Anton Kessler", S.OFFLINE, 7200, queues=("Membership",)),
    )
    ended = (
        ended_call(
            1,
            Outcome.ANSWERED,
            name="Klara Winter",
            agent_name="Emil Reuter",
            activity="IA-20814",
            disposition="Address changed",
            **IMIS,
        ),
        ended_call(2, Outcome.ABANDONED, name="Georg Althaus", **IMIS),
        ended_call(3, Outcome.ANSWERED, agent_name="Nora Veith", number="+493012345", pending_reason="unknown"),
        ended_call(
            4,
            Outcome.ANSWERED,
            name="Marianne Kolb",
            agent_name="Ines Falkner",
            activity="IA-20813",
            activity_link="https://crm.example/a/20813",
            disposition="Renewal",
            **IMIS,
        ),
        ended_call(5, Outcome.FLOWED_OUT, kind=CallerKind.WITHHELD, number="", outcome_reason="closed"),
        ended_call(
            6,
            Outcome.ANSWERED,
            name="Peter Auer",
            company="Auer Druck",
            agent_name="Theo Ostmann",
            disposition="Invoice",
            **IMIS,
        ),
    )
    return FloorView(
        tenant=TENANT,
        organisation="Nordlicht e. V.",
        as_of=NOON,
        numbers=Numbers(
            offered=240,
            answered=211,
            answered_in_target=187,
            abandoned=22,
            abandoned_short=7,
            flowed_out=4,
            waiting=3,
            answer_wait_s=3157,
        ),
        queues=queues,
        calls=calls,
        agents=agents,
        parked=(
            ParkedRow(
                id="activity:c77",
                what="LogActivity",
                why="iMIS refused the activity: 400, the field ACTIVITY_TYPE is unknown",
                since=ago(840),
                attempts=3,
                call=CallId("c77"),
            ),
        ),
        pending=(
            PendingRow(
                call=CallId("e3"),
                reason="unknown",
                since=ago(400),
                queue_name="Membership",
                number="+493012345",
                agent_name="Nora Veith",
            ),
            PendingRow(
                call=CallId("e9"),
                reason="several_matches",
                since=ago(1260),
                queue_name="Billing (English)",
                number="+442079460091",
                agent_name="Theo Ostmann",
                candidates=3,
            ),
        ),
        ended=ended,
        quota=Quota(calls_this_month=7312, concurrent=8),
    )


HOSTILE = '<img src=x onerror="document.title=1">"\'&{{7*7}}'


def awkward() -> FloorView:
    """Names that are HTML, names that never end, an id that needs escaping, 200 live calls."""
    long_name = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz" * 2
    calls = tuple(
        live_call(
            number,
            CallState.CONNECTED,
            number,
            name=HOSTILE if number % 2 else long_name,
            company=HOSTILE,
            record_link="javascript:alert(2)",
            queue_name=long_name,
            agent_name=HOSTILE,
            **IMIS,
        )
        for number in range(200)
    )
    return replace(
        plausible(),
        organisation=HOSTILE,
        queues=(
            queue(0, long_name, numbers=Numbers(offered=1_234_567, answered=1_234_000), waiting_since=ago(9000)),
            queue(1, HOSTILE),
        ),
        calls=calls,
        agents=(agent(1, long_name, S.BREAK, 90_000, reason=HOSTILE, queues=(long_name,), presence="<b>New</b>"),),
        parked=(ParkedRow(id='a/b?c#"d', what="<i>Odd</i>", why=HOSTILE, since=ago(9), attempts=1),),
        pending=(PendingRow(call=CallId("x"), reason="<u>odd</u>", since=ago(9), number=HOSTILE),),
        ended=(ended_call(1, Outcome.ANSWERED, name=HOSTILE, activity=HOSTILE, activity_link="javascript:alert(1)"),),
    )


class HeldFloor:
    """A FloorSource that holds one view in memory; `show` replaces it."""

    def __init__(self, view: FloorView) -> None:
        self.view = view
        self.retried: list[str] = []
        self.links: list[str] = []
        self.actors: list[Actor] = []
        self.readers = 0
        self.opened = asyncio.Event()
        self._news = asyncio.Condition()

    async def show(self, view: FloorView) -> None:
        self.view = view
        async with self._news:
            self._news.notify_all()

    def current(self, tenant: TenantId) -> FloorView:
        if tenant != self.view.tenant:
            raise Rejected("unknown tenant", status=404)
        return self.view

    async def changes(self, tenant: TenantId) -> AsyncIterator[FloorView]:
        self.readers += 1
        self.opened.set()
        try:
            while True:
                seen = self.current(tenant)
                yield seen
                async with self._news:
                    await self._news.wait_for(lambda: self.view is not seen)  # noqa: B023
        finally:
            self.readers -= 1

    async def link_opened(self, tenant: TenantId, link: str) -> None:
        self.links.append(link)

    async def retry_parked(self, tenant: TenantId, parked: str, by: Actor) -> bool:
        self.actors.append(by)
        known = any(item.id == parked for item in self.current(tenant).parked)
        self.retried.append(parked)
        return known

    async def calls(self, tenant: TenantId, of: CallSet, queue: QueueId | None) -> list[CallRow]:
        view = self.current(tenant)
        rows = view.calls if of is CallSet.WAITING else view.ended
        wanted = {CallSet.ANSWERED: Outcome.ANSWERED, CallSet.ABANDONED: Outcome.ABANDONED}.get(of)
        return [row for row in rows if (wanted is None or row.outcome is wanted) and queue in (None, row.queue)]
