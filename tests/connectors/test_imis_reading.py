"""How the iMIS connector finds and reads parties: two places for numbers, pages, wrapped values, two generations."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from cordpair.connectors.imis.paging import Bookmark
from cordpair.connectors.imis.shapes import next_offset, party_record, property_of, scalar
from cordpair.connectors.imis.spelling import spellings
from cordpair.connectors.testkit import ids_of, pages_of
from cordpair.core.ids import PartyRef
from cordpair.emulator.imis_faults import Fault
from cordpair.emulator.members import Phone
from cordpair.errors import TemporaryFailure
from tests.connectors.imis_server import ANSGAR, NOON, PHONE, ImisStage, imis_stage, member

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
async def stage() -> AsyncIterator[ImisStage]:
    async with imis_stage() as ready:
        yield ready


def test_a_german_number_is_asked_for_in_five_spellings_at_most() -> None:
    assert spellings("+493023125123") == (
        "+493023125123",
        "03023125123",
        "+49 30 23125123",
        "030 23125123",
        "(030) 23125123",
    )


def test_a_british_number_is_asked_for_as_it_is_spoken() -> None:
    assert spellings("+442079460123")[3:] == ("020 7946 0123", "(020) 7946 0123")


def test_what_is_no_number_is_not_asked_for() -> None:
    assert spellings("anonymous") == ()


async def test_at_most_five_queries_are_made_for_an_unknown_number(stage: ImisStage) -> None:
    await stage.crm.find_by_phone("+442079460999")
    assert stage.imis.counters.requests == 5


async def test_the_first_spelling_that_is_known_ends_the_search(stage: ImisStage) -> None:
    stage.imis.change(ANSGAR.id, phones=(Phone("03023125123", "Home"),))
    await stage.crm.find_by_phone(PHONE)
    assert stage.imis.counters.requests == 2


async def test_a_number_that_stands_in_an_address_only_is_found(stage: ImisStage) -> None:
    stage.imis.change(ANSGAR.id, phones=(Phone("030 23125123", "Home", "address"),))
    (record,) = await stage.crm.find_by_phone(PHONE)
    assert (record.ref, [phone.raw for phone in record.phones]) == (ANSGAR, ["030 23125123"])


async def test_everybody_who_shares_a_number_is_found(stage: ImisStage) -> None:
    stage.imis.change("31101", phones=(Phone("030 23125123", "Work"),))
    assert {record.ref.id for record in await stage.crm.find_by_phone(PHONE)} == {ANSGAR.id, "31101"}


async def test_a_record_has_name_country_labels_and_the_time_of_its_change(stage: ImisStage) -> None:
    at = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)
    stage.imis.store.change(ANSGAR.id, at, company="Dochtspinnerei Sanddorn KG", region="GB")
    (record,) = await stage.crm.find_by_phone(PHONE)
    assert (record.name, record.company, record.region) == ("Ansgar Wiesel", "Dochtspinnerei Sanddorn KG", "GB")
    assert [(phone.raw, phone.label) for phone in record.phones] == [("030 23125123", "Home")]
    assert record.updated_at == at
    assert not record.is_organization


async def test_an_organisation_that_shares_its_switchboard_is_known_as_one() -> None:
    desk = Phone("+49 30 23125600-0", "Work")
    staff = [
        replace(member(party_id, desk), company="Glashütte Kranich AG", e164=("+49302312560000",))
        for party_id in ("1", "2")
    ]
    async with imis_stage(staff) as stage:
        records = [record for page in await pages_of(stage.crm, None) for record in page.parties]
    assert [record.name for record in records if record.is_organization] == ["Glashütte Kranich AG"]


async def test_who_is_marked_for_deletion_keeps_no_number(stage: ImisStage) -> None:
    stage.imis.change(ANSGAR.id, marked_for_delete=True)
    (record,) = await stage.crm.find_by_phone(PHONE)
    assert record.phones == ()


async def test_a_record_without_address_has_no_country_of_its_own(stage: ImisStage) -> None:
    stage.imis.change(ANSGAR.id, city="")
    (record,) = await stage.crm.find_by_phone(PHONE)
    assert record.region is None


async def test_the_older_generation_is_read_as_well(stage: ImisStage) -> None:
    stage.imis.old_assembly = True
    assert [record.ref for record in await stage.crm.find_by_phone(PHONE)] == [ANSGAR]


async def test_persons_alone_can_be_searched(stage: ImisStage) -> None:
    crm = stage.another_crm(search_entity="Person")
    assert [record.ref for record in await crm.find_by_phone(PHONE)] == [ANSGAR]


async def test_a_page_that_the_server_caps_loses_nobody(stage: ImisStage) -> None:
    stage.imis.page_cap = 3
    assert sorted(ids_of(await pages_of(stage.crm, None))) == sorted(await stage.party_ids())


async def test_a_sync_asks_for_changes_since_five_minutes_before_the_last_one_in_local_time(stage: ImisStage) -> None:
    bookmark = (await pages_of(stage.crm, None))[-1].bookmark
    for party_id, minutes in (("31100", 4), ("31101", 6)):
        stage.imis.store.change(party_id, NOON - timedelta(minutes=minutes))
    stage.clock.at += timedelta(hours=1)
    assert ids_of(await pages_of(stage.crm, bookmark)) == ["31100"]


async def test_the_next_sync_begins_where_this_one_began_not_where_it_ended(stage: ImisStage) -> None:
    pages = []
    async for page in stage.crm.changed_parties(None):
        stage.clock.at += timedelta(minutes=20)
        pages.append(page)
    last = msgspec.json.decode(pages[-1].bookmark, type=Bookmark)
    assert last == Bookmark(since=NOON)


async def test_a_sync_in_the_hour_that_comes_twice_misses_nobody(stage: ImisStage) -> None:
    # 02:30 summer time, and an hour later 02:30 winter time: the texts in iMIS are the same.
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    stage.clock.at = first
    bookmark = (await pages_of(stage.crm, None))[-1].bookmark
    stage.clock.at += timedelta(hours=1)
    stage.imis.store.change(ANSGAR.id, first + timedelta(hours=1))
    assert ANSGAR.id in ids_of(await pages_of(stage.crm, bookmark))


async def test_two_syncs_of_one_imis_never_ask_at_the_same_time(stage: ImisStage) -> None:
    stage.imis.faults.append(Fault("slow", times=100))
    await asyncio.gather(*(pages_of(stage.another_crm(), None) for _ in range(4)))
    assert stage.imis.counters.most_pulls_at_once == 1


async def test_one_sync_is_one_sync_to_the_vendor(stage: ImisStage) -> None:
    await pages_of(stage.crm, None)
    assert stage.imis.counters.most_syncs_in_an_hour() == 1


def test_values_are_read_bare_or_wrapped_and_empty_is_nothing() -> None:
    wrapped = {"$type": "System.Boolean", "$value": True}
    assert [scalar(value) for value in (wrapped, True, 7, "x", "", None, {}, {"$type": "System.Guid"})] == (
        [True, True, 7, "x", None, None, None, None]
    )


def test_a_property_without_value_is_nothing() -> None:
    bag = {"Properties": {"$values": [{"$type": "…", "Name": "Seqn"}, {"Name": "UF_1", "Value": {"$value": 3}}]}}
    assert (property_of(bag, "SEQN"), property_of(bag, "uf_1"), property_of(bag, "UF_2")) == (None, 3, None)


def test_a_record_with_nothing_but_an_id_is_a_party() -> None:
    record = party_record({"Id": "7", "Addresses": {"$values": [{}]}, "Phones": None}, BERLIN)
    assert record is not None
    assert (record.ref, record.name, record.phones, record.region) == (PartyRef("imis", "7"), "", (), None)


def test_a_record_without_an_id_is_nobody() -> None:
    assert party_record({"Name": "Ansgar Wiesel"}, BERLIN) is None


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ({"HasNext": True, "NextOffset": 200, "Offset": 100, "Count": 100}, 200),
        ({"HasNext": True, "NextOffset": 0, "Offset": 100, "Count": 50}, 150),
        ({"HasNext": {"$type": "System.Boolean", "$value": True}, "NextOffset": 4, "Offset": 0}, 4),
        ({"HasNext": False, "NextOffset": 0}, None),
        ({}, None),
    ],
)
def test_the_server_says_where_the_next_page_begins(page: dict[str, object], expected: int | None) -> None:
    assert next_offset(page) == expected


def test_a_server_that_goes_in_circles_is_not_followed() -> None:
    with pytest.raises(TemporaryFailure):
        next_offset({"HasNext": True, "NextOffset": 100, "Offset": 100, "Count": 0})
