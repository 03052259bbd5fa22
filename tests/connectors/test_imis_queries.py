"""Parties from a saved query: flat rows of the newer generation, bags of the older one, prompts by their position."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from cordpair.connectors.imis.contacts import row_record, row_values
from cordpair.connectors.imis.settings import read_settings
from cordpair.connectors.testkit import failure_of, ids_of, pages_of
from cordpair.emulator.members import Phone
from cordpair.errors import PermanentFailure, Rejected
from tests.connectors.imis_server import ANSGAR, NOON, PHONE, ImisStage, imis_stage, setup

SETTINGS = read_settings(setup("https://verband.example"))


@pytest.fixture(params=[False, True], ids=["flat", "bags"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[ImisStage]:
    async with imis_stage(contacts_query="$/Cordpair/Contacts") as ready:
        ready.imis.old_assembly = request.param
        yield ready


async def test_a_row_is_a_party_with_all_its_numbers(stage: ImisStage) -> None:
    at = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)
    phones = (Phone("030 23125123", "Home"), Phone("+44 7700 900123", "Mobile"))
    stage.imis.store.change(ANSGAR.id, at, company="Dochtspinnerei Sanddorn KG", phones=phones)
    (record,) = await stage.crm.find_by_phone(PHONE)
    assert (record.ref, record.name, record.company) == (ANSGAR, "Ansgar Wiesel", "Dochtspinnerei Sanddorn KG")
    assert [phone.raw for phone in record.phones] == ["030 23125123", "+44 7700 900123"]
    assert (record.region, record.updated_at) == ("DE", at)


async def test_a_number_with_a_remark_behind_it_is_found_too(stage: ImisStage) -> None:
    stage.imis.change(ANSGAR.id, phones=(Phone("030 23125123 (mornings)", "Home"),))
    assert [record.ref for record in await stage.crm.find_by_phone(PHONE)] == [ANSGAR]


async def test_a_sync_by_a_query_brings_who_changed(stage: ImisStage) -> None:
    bookmark = (await pages_of(stage.crm, None))[-1].bookmark
    await stage.change(ANSGAR)
    assert ids_of(await pages_of(stage.crm, bookmark)) == [ANSGAR.id]


async def test_the_address_that_answers_is_asked_first_from_then_on(stage: ImisStage) -> None:
    await stage.crm.find_by_phone(PHONE)
    before = stage.imis.counters.requests
    await stage.crm.find_by_phone(PHONE)
    assert stage.imis.counters.requests - before == 4, "the four spellings up to the one that is stored"


async def test_a_query_that_does_not_exist_is_told(stage: ImisStage) -> None:
    crm = stage.another_crm(contacts_query="$/Cordpair/Nothing")
    failure = await failure_of(crm.find_by_phone(PHONE))
    assert isinstance(failure, PermanentFailure)
    assert str(failure) == "iMIS refused the request (400): The query was not found."


async def test_pulls_by_a_query_are_one_at_a_time_and_count_as_one_sync(stage: ImisStage) -> None:
    await pages_of(stage.crm, None)
    assert stage.imis.counters.sync_starts == [NOON]
    assert stage.imis.counters.most_pulls_at_once == 1


@pytest.mark.parametrize("path", ["Contacts", "$/", "/$/x", " $/Cordpair/Contacts", "$/Cordpair/"])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(Rejected, match="contacts_query"):
        read_settings(setup("https://verband.example", contacts_query=path))


def test_a_row_without_an_id_is_nobody() -> None:
    assert row_record(row_values({"FullName": "Ansgar Wiesel"}), SETTINGS) is None


def test_columns_are_read_case_aside_and_a_number_that_stands_twice_once() -> None:
    row = {"$type": "x", "id": 7, "HOMEPHONE": "030 1", "Mobile": "030 1", "WorkTelephone": "030 2", "Fax": "030 3"}
    record = row_record(row_values(row), SETTINGS)
    assert record is not None
    assert [(phone.raw, phone.label) for phone in record.phones] == [("030 1", "homephone"), ("030 2", "worktelephone")]
