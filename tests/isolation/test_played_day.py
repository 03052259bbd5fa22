"""A played day with every log line switched on: no name, number or note of anybody stands in clear in what we leave.

Looked through: all log lines at debug level, the metrics, the traces of all calls as a collector gets them, and every
file of the database's server (tables, indexes, its log of changes, its own log). Looked for: everybody whom the product
knows or who called, and all that agents wrote.
"""

import asyncio
import io
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
import pytest_asyncio
import structlog

from cordpair.cli.demo_world import setup_of
from cordpair.emulator.callers import Manners
from cordpair.emulator.failing import Failing
from cordpair.emulator.imis import Fault
from cordpair.emulator.imis_faults import Kind
from cordpair.privacy.logkeys import LOG_KEYS
from cordpair.settings import Settings
from cordpair.store import postgres
from cordpair.store.databases import Databases
from cordpair.store.inbox import Incoming
from cordpair.telemetry import configure_logging
from tests.collector import Collector, collector
from tests.databases import folder
from tests.isolation.neighbours import STRANGER
from tests.product.house import House, Organisation, house, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

CALLS = 20
PER_SECOND = 1.2  #: of emulated time
RATE = 12.0
FAILING: tuple[Kind, ...] = ("refused", "created_then_error", "html")
#: What is logged on such a day, among other things.
HEARD = {"effect failed", "a card action failed", "inbox row cannot be read"}
NOTE = "Kanarienvogel bittet um Rückruf wegen der Rechnung"
_SHORTEST = 8  #: letters of a name: shorter ones stand by chance in files of many megabytes
_DIGITS = 10  #: the last ones of a number
_MOST_S = 90.0
_PAGE = 8192


class Day:
    """What a day has left, and what must not stand in it."""

    def __init__(self, one: House, log: io.StringIO, told: Collector) -> None:
        self.log, self.metrics = log.getvalue(), one.product.metrics.exposition()[0].decode()
        self.traces, self.spans = b"".join(told.raw), {span.name for span in told.spans}
        self.dropped = one.product.metrics.registry.get_sample_value("cc_span_attributes_dropped_total")
        self.files: dict[str, bytes] = {}
        self.personal = frozenset(_personal(one))
        self.control = one.lanterns.setup.queues[0].name

    def found_in(self, content: str | bytes) -> list[str]:
        data = content.encode() if isinstance(content, str) else content
        return sorted(text for text in self.personal if text.encode() in data)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def day() -> AsyncIterator[Day]:
    with folder() as data_dir:
        async with postgres.running(Settings(data_dir=data_dir)) as databases:
            played = await _played(databases)
            await _written_out(databases.main_url)
            played.files = await asyncio.to_thread(_files, data_dir)
        yield played


async def _played(databases: Databases) -> Day:
    async with collector() as told, house(databases, rate=RATE, otlp_endpoint=told.url, trace_ratio=1.0) as one:
        with heard(one) as log:
            for us in (one.lanterns, one.harbours):
                await _everybody_comes(us)
            await _people_call(one)
            await _refusal_is_shown(one)
            await _odd_requests(one)
            assert one.product.traces is not None
            await asyncio.to_thread(one.product.traces.close)
            return Day(one, log, told)


@contextmanager
def heard(one: House) -> Iterator[io.StringIO]:
    """Everything that is logged, from debug on."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    configure_logging(form="json", level="debug", allowed=LOG_KEYS, metrics=one.product.metrics, stream=stream)
    try:
        yield stream
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.captureWarnings(False)
        structlog.reset_defaults()


async def _everybody_comes(us: Organisation) -> None:
    """All agents of the organisation, who act by themselves."""
    described = next(it for it in us.house.parts.described()["tenants"] if it["id"] == us.id)
    us.setup = setup_of(described)
    await us.configure()
    for agent in us.tenant.agents:
        us.house.parts.floor.seats[agent.id].is_manual = False
    await us.until_known(us.member())

    async def known() -> bool:
        parts = us.house.product.workshop._parts.get(us.id)
        return parts is not None and len(parts.setup.agents) == len(us.tenant.agents)

    await until(known)


async def _people_call(one: House) -> None:
    """Twenty calls, with an iMIS and a Graph that fail a few times."""
    parts = one.parts
    parts.graph.failing = Failing(path="/participants/invite", status=500, times=2)
    for us in (one.lanterns, one.harbours):
        quoting = f"{us.member().name} has no {NOTE}."
        us.imis().faults += [Fault(kind, method="POST", path="/api/Activity", message=quoting) for kind in FAILING]
    await parts.floor.begin()
    parts.callers.manners = Manners(talk_s=15.0)
    shares = [(tenant, float(len(tenant.agents))) for tenant in parts.cloud.world.tenants]
    await asyncio.wait_for(parts.callers.play(CALLS, PER_SECOND, shares), _MOST_S)

    async def quiet() -> bool:
        return parts.floor.is_quiet

    await until(quiet, _MOST_S)
    for us in (one.lanterns, one.harbours):
        await us.until_folded()


async def _refusal_is_shown(one: House) -> None:
    """Somebody who sees what was given up reads why, in the other side's words."""

    async def look() -> bool:
        parked = [effect for us in (one.lanterns, one.harbours) for effect in await us.parked_effects()]
        return any(NOTE in effect.reason for effect in parked)

    await until(look, _MOST_S)


async def _odd_requests(one: House) -> None:
    """People's data where none is expected: every refusal could quote it."""
    us = one.lanterns
    person, member = us.agents[0], us.member()
    words = f"{member.name} {member.e164[0]} {NOTE}"
    await person.say(words)
    for verb in ("wrap_up", words):
        await person.forge(verb, call=words, offer=words, disposition=words, note=words, party=words)
    registration = us.tenant.registration
    claims = {"iss": "https://api.botframework.com", "aud": registration.client_id}
    signed = {"Authorization": f"Bearer {one.parts.cloud.bot_key.sign(claims, 300)}"}
    for content in (words, f'{{"value": ["{words}"]}}', f'{{"value": [{{"resourceUrl": "{words}"}}]}}'):
        for address in (f"graph/{registration.id}/calls", f"graph/{registration.id}/changes", f"bot/{registration.id}"):
            await one.http.post(f"{one.url}/{address}", content=content.encode(), headers=signed)
    item: dict[str, Any] = {"resourceUrl": f"/communications/calls/{words}/{words}", "resourceData": {"state": words}}
    await one.http.post(f"{one.url}/graph/{registration.id}/calls", json={"value": [item]}, headers=signed)
    for path in ("floor", "floor/calls", "media", "static", "health"):
        await one.http.get(f"{one.url}/{path}/{words}", params={"of": words, "queue": words})
    await _poison(us, words)
    await us.until_folded()


async def _poison(us: Organisation, words: str) -> None:
    """What cannot be folded and is put aside, with a reason for people."""
    now = us.house.product.clock.now()
    content = msgspec.json.encode([words])
    rows = [Incoming(source, f"poison-{source}", content, now) for source in ("graph", "presence", "result", "command")]
    await us.house.store.accept(us.id, rows)
    us.house.product.node.ring(us.id)
    await us.until_folded()


async def _written_out(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("analyze")
    await connection.execute("checkpoint")
    await connection.close()


def _files(data_dir: Path) -> dict[str, bytes]:
    """Every file, without pages that are empty or the same as one before (the catalogues of the template databases)."""
    seen: set[bytes] = {bytes(_PAGE)}
    files = {}
    for path in sorted(data_dir.rglob("*")):
        if path.is_file():
            fresh = [page for page in _pages(path.read_bytes()) if page not in seen]
            seen.update(fresh)
            files[str(path.relative_to(data_dir))] = b"".join(fresh)
    return files


def _pages(content: bytes) -> Iterator[bytes]:
    return (content[start : start + _PAGE] for start in range(0, len(content), _PAGE))


def _personal(one: House) -> Iterator[str]:
    for us in (one.lanterns, one.harbours):
        members = one.parts.members[us.id]
        names = [agent.name for agent in us.tenant.agents]
        names += [text for member in members for text in (member.name, member.email, *(it.raw for it in member.phones))]
        yield from (name for name in names if len(name) >= _SHORTEST)
        numbers = [number for member in members for number in member.e164]
        numbers += [number for number in _called(one) if number]
        yield from (number[-_DIGITS:] for number in (*numbers, STRANGER))
        yield from _notes(us)
    yield NOTE


def _called(one: House) -> list[str]:
    """Numbers of everybody who called."""
    return [str(call.get("number") or "") for call in one.parts.cloud.journal.truth()]


def _notes(us: Organisation) -> Iterator[str]:
    """What agents wrote about their calls."""
    for activity in us.activities():
        if len(note := str(activity.get("NOTE") or "")) >= _SHORTEST:
            yield note


async def test_nobody_stands_in_the_log(day: Day) -> None:
    assert day.found_in(day.log) == []


async def test_nobody_stands_in_the_metrics(day: Day) -> None:
    assert day.found_in(day.metrics) == []


async def test_nobody_stands_in_the_traces(day: Day) -> None:
    assert day.found_in(day.traces) == []


async def test_nothing_was_kept_back_from_the_traces_that_somebody_wanted_to_tell(day: Day) -> None:
    assert day.dropped == 0


async def test_nobody_stands_in_a_file_of_the_database(day: Day) -> None:
    found = {name: texts for name, content in day.files.items() if (texts := day.found_in(content))}
    assert found == {}


async def test_the_day_was_long_enough_to_say_something(day: Day) -> None:
    assert len(day.personal) > 100
    assert {line.partition('"event": "')[2].partition('"')[0] for line in day.log.splitlines()} >= HEARD
    assert 'cc_calls_ended_total{outcome="answered"}' in day.metrics
    assert day.spans >= {"call", "AnswerCall", "InviteAgent", "ShowCard", "LogActivity", "process inbox"}
    assert any(day.control.encode() in content for content in day.files.values())
