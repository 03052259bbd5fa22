"""`cordpair why CALL` as a supervisor or an operator asks it, of a call that the real core has decided about."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from cordpair.cli import tenant, why
from cordpair.cli.opened import open_store, the_tenant
from cordpair.core import fold
from cordpair.core.call import CallState
from cordpair.core.caller import Caller, CallerKind
from cordpair.core.events import Arrived, CallEvent, Established, OfferDeclined, OfferEnd, WentReady
from cordpair.core.floor import Floor
from cordpair.core.ids import CallId, GraphCallId, call_id, offer_id
from cordpair.core.match import Rule
from cordpair.engine.why import words_of
from cordpair.errors import Rejected
from cordpair.settings import read_settings
from tests.databases import folder

EXAMPLE = Path(__file__).parents[2] / "docs" / "reference" / "organisation.toml"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


async def decide() -> CallId:
    """A call arrives, is offered to the only agent, and they say not now."""
    async with open_store(read_settings()) as store:
        one = await the_tenant(store, None)
        async with store.open_queue() as queue:
            epochs = await queue.lease([one], "test", NOON, timedelta(minutes=1))
        async with store.open_tenant(one) as rows:
            stored = await rows.load_floor(timedelta(hours=1), NOON)
            floor = Floor(stored.queues, stored.agents, stored.calls)
            fold.reopen(floor, NOON)
            graph = GraphCallId("graph-call-1")
            call, agent, queue_of = call_id(one, graph), stored.agents[0].id, stored.queues[0]
            caller, dialled = Caller(kind=CallerKind.WITHHELD), queue_of.resource_account
            for event in (
                WentReady(at=NOON - timedelta(seconds=40), agent=agent),
                Arrived(at=NOON, call=call, graph_id=graph, dialled=dialled, caller=caller),
                Established(at=NOON + timedelta(seconds=2), call=call, graph_id=graph),
                OfferDeclined(at=NOON + timedelta(seconds=5), call=call, agent=agent, offer=offer_id(call, 1)),
            ):
                fold.apply(floor, event)
            await rows.write_fold(
                owner="test", epoch=epochs[one], changes=floor.take_changes(), folded={}, fired=[], now=NOON
            )
    return call


@pytest.fixture(scope="module")
def call() -> Iterator[CallId]:
    with folder() as data, pytest.MonkeyPatch.context() as environment:
        environment.setenv("CORDPAIR_DATA_DIR", str(data))
        assert asked(tenant, "tenant", "apply", str(EXAMPLE)) == 0
        yield asyncio.run(decide())


def asked(module: object, *words: str) -> int | str:
    """What the command says, or 0 where it says nothing worth reading."""
    app = typer.Typer()
    why.add_to(app)
    tenant.add_to(app)
    result = CliRunner().invoke(app, words)
    if isinstance(result.exception, Rejected):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout if module is why else result.exit_code


def test_each_offer_says_by_what_rule_among_how_many_and_how_it_ended(call: CallId) -> None:
    told = str(asked(why, "why", call, "--lang", "en"))
    assert "2026-03-02 13:00:02.000  offered to: Ada Lindgreen  [waits → offered]" in told
    assert "idle longest of 1 who could be rung" in told
    assert "the call had waited 2.000 s" in told
    assert "the agent had been idle for 42.000 s" in told
    assert "the offer has ended: Ada Lindgreen (not now)" in told


def test_it_speaks_german(call: CallId) -> None:
    told = str(asked(why, "why", call, "--lang", "de"))
    assert "angeboten an: Ada Lindgreen  [wartet → angeboten]" in told


def test_programs_read_json(call: CallId) -> None:
    history = json.loads(str(asked(why, "why", call.upper(), "--json")))
    (offered,) = [entry for entry in history if entry["what"] == "Offered"]
    assert offered["detail"]["rule"] == "longest_idle"


def test_an_unknown_call_is_said(call: CallId) -> None:
    with pytest.raises(Rejected, match="is known, or it is too long ago"):
        asked(why, "why", f"{call[:-1]}{'0' if call[-1] != '0' else '1'}")


def test_everything_that_can_happen_has_words_in_both_languages() -> None:
    names = {kind.__name__ for kind in CallEvent.__args__} | {"Offered", "OfferEnded"}
    for language in ("en", "de"):
        words = words_of(language)
        assert words["events"].keys() >= names
        assert words["states"].keys() >= set(CallState)
        assert words["ends"].keys() >= set(OfferEnd)
        assert words["rules"].keys() == {*Rule, "claimed"}
