"""How the iMIS connector writes a call: columns, lengths, local time, type tags, the duplicate guard."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from cordpair.connectors.imis import ImisCrm
from cordpair.connectors.imis.answers import QUARANTINE_S
from cordpair.connectors.imis.guards import guard
from cordpair.connectors.imis.session import ImisSession
from cordpair.connectors.imis.settings import read_settings
from cordpair.connectors.kit import Activity
from cordpair.connectors.testkit import activity, failure_of
from cordpair.core.ids import PartyRef
from cordpair.emulator.imis_faults import Fault
from cordpair.emulator.imis_query import Value
from cordpair.errors import PermanentFailure, TemporaryFailure, UnknownOutcome
from tests.connectors.imis_server import ANSGAR, ImisStage, StillClock, imis_stage, setup

CALL = activity(ANSGAR)


class Sleeping(StillClock):
    """Sleeps in earnest."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@pytest.fixture
async def stage() -> AsyncIterator[ImisStage]:
    async with imis_stage() as ready:
        yield ready


async def written(stage: ImisStage, call: Activity = CALL, **settings: str) -> dict[str, Value | None]:
    await stage.another_crm(**settings).log_activity(call, key="k1", repeat=False)
    return stage.imis.activities[-1]


async def test_a_call_becomes_a_line_that_a_person_can_read(stage: ImisStage) -> None:
    row = await written(stage)
    assert row["DESCRIPTION"] == "Inbound call, 3 min, Ada Lindgreen, Membership"


async def test_the_line_is_german_where_the_organisation_is(stage: ImisStage) -> None:
    row = await written(stage, language="de")
    assert row["DESCRIPTION"] == "Eingehender Anruf, 3 min, Ada Lindgreen, Membership"


async def test_a_call_fills_its_columns(stage: ImisStage) -> None:
    row = await written(stage)
    columns = {name: row[name] for name in ("PartyId", "ACTIVITY_TYPE", "SOURCE_SYSTEM", "UF_2", "UF_3", "UF_4")}
    assert columns == {
        "PartyId": ANSGAR.id,
        "ACTIVITY_TYPE": "CALL",
        "SOURCE_SYSTEM": "cordpair",
        "UF_2": "inbound",
        "UF_3": "solved",
        "UF_4": Decimal(185),
    }


async def test_the_date_is_local_to_imis_and_not_to_the_tenant(stage: ImisStage) -> None:
    row = await written(stage, time_zone="America/Toronto")
    assert row["TRANSACTION_DATE"] == datetime(2026, 11, 23, 3, 0)


async def test_summer_time_is_kept(stage: ImisStage) -> None:
    summer = msgspec.structs.replace(CALL, started_at=datetime(2026, 7, 1, 8, 0, tzinfo=UTC))
    row = await written(stage, summer)
    assert row["TRANSACTION_DATE"] == datetime(2026, 7, 1, 10, 0)


async def test_a_long_note_is_kept_whole(stage: ImisStage) -> None:
    row = await written(stage, msgspec.structs.replace(CALL, note="Lampenöl " * 1000))
    assert row["NOTE"] == "Lampenöl " * 1000


async def test_what_does_not_fit_is_cut_to_its_column(stage: ImisStage) -> None:
    row = await written(stage, msgspec.structs.replace(CALL, queue="Q" * 300, disposition="d" * 100))
    assert (len(str(row["DESCRIPTION"])), len(str(row["UF_3"]))) == (255, 60)


async def test_a_short_call_is_told_in_seconds(stage: ImisStage) -> None:
    row = await written(stage, msgspec.structs.replace(CALL, talk_s=40, queue=""))
    assert row["DESCRIPTION"] == "Inbound call, 40 s, Ada Lindgreen"


@pytest.mark.parametrize("column", ["UF_1", "UF_2", "UF_3", "OTHER_CODE"])
async def test_the_guard_holds_in_every_column_that_can_be_chosen(stage: ImisStage, column: str) -> None:
    crm = stage.another_crm(guard_column=column)
    first = await crm.log_activity(CALL, key="k1", repeat=False)
    assert await crm.log_activity(CALL, key="k1", repeat=True) == first
    assert len(stage.imis.activities) == 1


async def test_an_update_writes_the_whole_row_under_its_number(stage: ImisStage) -> None:
    number = await stage.crm.log_activity(CALL, key="k1", repeat=False)
    before = dict(stage.imis.activities[-1])
    await stage.crm.update_activity(number, msgspec.structs.replace(CALL, note="Ruft morgen an"), key="k1")
    assert stage.imis.activities == [{**before, "NOTE": "Ruft morgen an"}]


async def test_an_update_without_an_answer_is_of_unknown_outcome(stage: ImisStage) -> None:
    number = await stage.crm.log_activity(CALL, key="k1", repeat=False)
    stage.imis.faults.append(Fault("cut", method="PUT"))
    failure = await failure_of(stage.crm.update_activity(number, CALL, key="k1"))
    assert isinstance(failure, UnknownOutcome)


def test_the_guard_is_ten_characters_however_long_the_key() -> None:
    assert len(guard("cc:" + "x" * 500)) == 10
    assert guard("k1") != guard("k2")


async def test_the_guard_of_one_party_is_not_found_at_another(stage: ImisStage) -> None:
    first = await stage.crm.log_activity(CALL, key="k1", repeat=False)
    other = activity(PartyRef("imis", "31100"))
    assert await stage.crm.log_activity(other, key="k1", repeat=True) != first


async def test_the_older_generation_is_written_in_its_own_words(stage: ImisStage) -> None:
    stage.imis.old_assembly = True
    first = await stage.crm.log_activity(CALL, key="k1", repeat=False)
    assert await stage.activity_ids() == [first]


async def test_an_installation_that_was_upgraded_meanwhile_is_understood_on_the_repeat(stage: ImisStage) -> None:
    await stage.crm.log_activity(CALL, key="k0", repeat=False)
    stage.imis.old_assembly = True
    assert isinstance(await failure_of(stage.crm.log_activity(CALL, key="k1", repeat=False)), UnknownOutcome)
    await stage.crm.log_activity(CALL, key="k1", repeat=True)
    assert len(stage.imis.activities) == 2


async def test_an_error_after_the_activity_was_stored_is_an_unknown_outcome(stage: ImisStage) -> None:
    stage.imis.faults.append(Fault("created_then_error"))
    failure = await failure_of(stage.crm.log_activity(CALL, key="k1", repeat=False))
    assert isinstance(failure, UnknownOutcome)
    await stage.crm.log_activity(CALL, key="k1", repeat=True)
    assert len(stage.imis.activities) == 1


async def test_a_repeat_waits_until_a_late_server_can_no_longer_store(stage: ImisStage) -> None:
    stage.imis.faults.append(Fault("late_commit", delay_s=100))
    failure = await failure_of(stage.crm.log_activity(CALL, key="k1", repeat=False))
    assert isinstance(failure, UnknownOutcome)
    assert failure.quarantine_s == QUARANTINE_S > 110


async def test_a_slow_answer_is_an_unknown_outcome(stage: ImisStage) -> None:
    stage.imis.clock = Sleeping(stage.clock.at)
    settings = msgspec.structs.replace(read_settings(setup(stage.url)), timeout_s=0.3)
    crm = ImisCrm(settings, ImisSession(settings, stage.http, stage.clock.now), stage.clock.now)
    await crm.find_by_phone("+442079460999")
    stage.imis.faults.append(Fault("slow", method="POST", delay_s=0.8))
    failure = await failure_of(crm.log_activity(CALL, key="k1", repeat=False))
    assert isinstance(failure, UnknownOutcome)


async def test_every_message_of_a_refusal_reaches_the_administrator(stage: ImisStage) -> None:
    stage.imis.faults.append(Fault("refused", method="POST", message="The activity type CALL is not set up."))
    failure = await failure_of(stage.crm.log_activity(CALL, key="k1", repeat=False))
    assert isinstance(failure, PermanentFailure)
    assert str(failure) == "iMIS refused the request (400): The activity type CALL is not set up. / A second message."


async def test_a_refusal_that_repeats_what_was_sent_is_told_without_it(stage: ImisStage) -> None:
    message = f"'{CALL.note}' by {CALL.agent_name} is too long for {ANSGAR.id}."
    stage.imis.faults.append(Fault("refused", method="POST", message=message))
    failure = await failure_of(stage.crm.log_activity(CALL, key="k1", repeat=False))
    assert str(failure) == "iMIS refused the request (400): '…' by … is too long for …. / A second message."


async def test_an_unknown_party_is_permanent(stage: ImisStage) -> None:
    failure = await failure_of(stage.crm.log_activity(activity(PartyRef("imis", "99")), key="k1", repeat=False))
    assert isinstance(failure, PermanentFailure)
    assert failure.status == 400


async def test_a_throttled_activity_was_not_carried_out(stage: ImisStage) -> None:
    stage.imis.faults.append(Fault("throttle", method="POST", retry_after="30"))
    failure = await failure_of(stage.crm.log_activity(CALL, key="k1", repeat=False))
    assert isinstance(failure, TemporaryFailure)
    assert not isinstance(failure, UnknownOutcome)
    assert failure.retry_after_s == 30


async def test_a_sign_in_page_instead_of_an_answer_to_an_activity_is_an_unknown_outcome(stage: ImisStage) -> None:
    stage.imis.faults.append(Fault("sign_in_page", method="POST"))
    failure = await failure_of(stage.crm.log_activity(CALL, key="k1", repeat=False))
    assert isinstance(failure, UnknownOutcome)


async def test_a_party_opens_in_the_page_that_the_administrator_named(stage: ImisStage) -> None:
    crm = stage.another_crm(record_link="https://verband.example/Party.aspx?ID={party_id}")
    assert crm.link(PartyRef("imis", "31 &1")) == "https://verband.example/Party.aspx?ID=31%20%261"
    assert stage.crm.link(ANSGAR) == ""
