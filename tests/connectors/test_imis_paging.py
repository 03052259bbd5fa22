"""A list that changes while it is read: nobody is lost, nobody comes twice, and nobody is asked too often."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from random import Random

import pytest

from cordpair.connectors.imis.paging import Bookmark, read_before
from cordpair.connectors.kit import PartyPage
from cordpair.connectors.testkit import failure_of, first_page, ids_of, pages_of
from cordpair.emulator.imis_faults import Fault
from cordpair.emulator.members import Phone
from cordpair.errors import TemporaryFailure
from tests.connectors.imis_server import NOON, ImisStage, imis_stage, member

HOUR = timedelta(hours=1)
EVERYBODY = [str(number) for number in range(31100, 31120)]


@pytest.fixture(params=[{}, {"contacts_query": "$/Cordpair/Contacts"}], ids=["entities", "query"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[ImisStage]:
    """Twenty parties, in pages of four."""
    members = [member(it, Phone(f"030 66969{number:03}", "Home")) for number, it in enumerate(EVERYBODY)]
    async with imis_stage(members, **request.param) as ready:
        yield ready


async def read(stage: ImisStage, between: Callable[[int, list[str]], None]) -> list[str]:
    """Everybody who comes in a sync; `between` happens behind each page (counted from 1), given who has come so far."""
    pages: list[PartyPage] = []
    async for page in stage.crm.changed_parties(None):
        pages.append(page)
        between(len(pages), ids_of(pages))
    return ids_of(pages)


def leaves(stage: ImisStage, which: slice, *, after: int) -> Callable[[int, list[str]], None]:
    """Behind page `after`, some of those who have come leave the list."""

    def between(page: int, come: list[str]) -> None:
        for party in come[which] if page == after else ():
            stage.imis.store.remove(party)

    return between


async def test_who_leaves_from_a_page_that_was_read_takes_nobody_along(stage: ImisStage) -> None:
    assert await read(stage, leaves(stage, slice(1, 2), after=1)) == EVERYBODY


async def test_the_last_one_of_a_page_leaves(stage: ImisStage) -> None:
    assert await read(stage, leaves(stage, slice(-1, None), after=1)) == EVERYBODY


async def test_nearly_everybody_who_was_read_leaves(stage: ImisStage) -> None:
    assert await read(stage, leaves(stage, slice(1, None), after=3)) == EVERYBODY


async def test_everybody_who_was_read_leaves(stage: ImisStage) -> None:
    assert await read(stage, leaves(stage, slice(None), after=3)) == EVERYBODY


async def test_who_joins_before_the_page_makes_nobody_come_twice(stage: ImisStage) -> None:
    def between(page: int, _: list[str]) -> None:
        if page == 2:
            stage.imis.store.add(member("31000"))

    assert await read(stage, between) == EVERYBODY


async def test_who_joins_behind_the_page_comes_too(stage: ImisStage) -> None:
    def between(page: int, _: list[str]) -> None:
        if page == 2:
            stage.imis.store.add(member("31999"))

    assert await read(stage, between) == [*EVERYBODY, "31999"]


async def test_a_server_that_gives_less_from_now_on_loses_nobody(stage: ImisStage) -> None:
    def between(page: int, _: list[str]) -> None:
        stage.imis.page_cap = {1: 3, 2: 2, 3: 7}.get(page, 5)

    assert await read(stage, between) == EVERYBODY


@pytest.mark.parametrize("seed", range(6))
async def test_in_any_turmoil_who_stays_comes_once(stage: ImisStage, seed: int) -> None:
    chance, here = Random(seed), set(EVERYBODY)

    def between(page: int, _: list[str]) -> None:
        if page <= 4:
            gone = chance.sample(sorted(here), 2)
            stage.imis.store.add(member(str(30_000 + 10 * seed + page)))
            for party in gone:
                here.discard(party)
                stage.imis.store.remove(party)

    found = await read(stage, between)
    assert here <= set(found)
    assert len(found) == len(set(found))


async def test_a_token_that_ends_in_the_middle_costs_one_new_one_and_the_page_comes_once(stage: ImisStage) -> None:
    stage.imis.page_cap = 5

    def between(page: int, _: list[str]) -> None:
        if page == 2:
            stage.imis.tokens.revoke()

    assert await read(stage, between) == EVERYBODY
    assert stage.imis.counters.token_requests == 2


async def test_a_page_of_the_web_tier_in_the_middle_costs_no_page(stage: ImisStage) -> None:
    first = await first_page(stage.crm, None)
    stage.imis.faults.append(Fault("html", retry_after="30"))
    failure = await failure_of(pages_of(stage.crm, first.bookmark))
    assert isinstance(failure, TemporaryFailure)
    assert failure.retry_after_s == 30
    assert ids_of([first, *await pages_of(stage.another_crm(), first.bookmark)]) == EVERYBODY


async def test_a_bookmark_holds_no_id_of_anybody(stage: ImisStage) -> None:
    first = await first_page(stage.crm, None)
    assert [party for party in EVERYBODY if party in first.bookmark] == []


async def test_changes_are_asked_for_once_an_hour_whatever_is_restarted(stage: ImisStage) -> None:
    bookmark = (await pages_of(stage.crm, None))[-1].bookmark
    before = stage.imis.counters.requests
    stage.clock.at += timedelta(minutes=40)
    failure = await failure_of(pages_of(stage.another_crm(), bookmark))
    assert isinstance(failure, TemporaryFailure)
    assert (failure.retry_after_s, stage.imis.counters.requests) == (20 * 60, before)
    stage.clock.at += timedelta(minutes=20)
    await pages_of(stage.another_crm(), bookmark)
    assert stage.imis.counters.most_syncs_in_an_hour() == 1


async def test_a_sync_that_is_under_way_goes_on_within_the_hour(stage: ImisStage) -> None:
    first = await first_page(stage.crm, None)
    assert len(await pages_of(stage.another_crm(), first.bookmark)) > 1


def test_a_bookmark_from_before_somebody_was_remembered_still_works() -> None:
    old = Bookmark(started=NOON, offset=500)
    assert read_before(old, ["7", "8"]) == 0
