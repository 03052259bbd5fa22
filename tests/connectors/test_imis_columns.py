"""Installations of iMIS differ in what their activities can hold: the connector reads it and keeps to it."""

from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest

from cordpair.connectors.imis.columns import ACTIVITY, Column, Columns, believed
from cordpair.connectors.imis.guards import guard
from cordpair.connectors.testkit import activity, failure_of
from cordpair.emulator.imis_faults import Fault
from cordpair.emulator.imis_query import Value
from cordpair.errors import PermanentFailure
from tests.connectors.imis_server import ANSGAR, ImisStage, imis_stage

CALL = activity(ANSGAR)
LINE = "Inbound call, 3 min, Ada Lindgreen, Membership"


@pytest.fixture
async def stage() -> AsyncIterator[ImisStage]:
    async with imis_stage() as ready:
        yield ready


async def written(stage: ImisStage) -> dict[str, Value | None]:
    await stage.crm.log_activity(CALL, key="k1", repeat=False)
    return stage.imis.activities[-1]


@pytest.mark.parametrize("metadata_works", [True, False])
async def test_a_text_is_cut_to_the_width_that_imis_tells_and_marked(stage: ImisStage, metadata_works: bool) -> None:
    stage.imis.metadata_works = metadata_works
    stage.imis.table.widths |= {"DESCRIPTION": 20, "NOTE": 12}
    row = await written(stage)
    assert (row["DESCRIPTION"], row["NOTE"]) == (LINE[:19] + "…", "Wants the l…")


async def test_a_text_that_just_fits_is_not_cut(stage: ImisStage) -> None:
    stage.imis.table.widths["DESCRIPTION"] = len(LINE)
    assert (await written(stage))["DESCRIPTION"] == LINE


async def test_a_wide_column_is_used_to_its_end(stage: ImisStage) -> None:
    stage.imis.table.widths["DESCRIPTION"] = 400
    await stage.crm.log_activity(msgspec.structs.replace(CALL, queue="Q" * 300), key="k1", repeat=False)
    assert len(str(stage.imis.activities[-1]["DESCRIPTION"])) == len(LINE) - len("Membership") + 300


async def test_an_imis_that_tells_nothing_gets_the_widths_of_the_oldest(stage: ImisStage) -> None:
    stage.imis.definitions_work = False
    await stage.crm.log_activity(msgspec.structs.replace(CALL, queue="Q" * 300), key="k1", repeat=False)
    assert len(str(stage.imis.activities[-1]["DESCRIPTION"])) == 255


async def test_columns_are_named_as_they_are_spelled_here_and_found_again_by_it(stage: ImisStage) -> None:
    stage.imis.table.underscores = False
    first = await stage.crm.log_activity(CALL, key="k1", repeat=False)
    assert stage.imis.activities[-1]["UF_1"] == guard("k1")
    assert await stage.another_crm().log_activity(CALL, key="k1", repeat=True) == first


async def test_what_has_no_column_here_is_left_out(stage: ImisStage) -> None:
    stage.imis.table.absent |= {"UF_2", "UF_4", "NOTE"}
    row = await written(stage)
    assert {"UF_2", "UF_4", "NOTE"} & set(row) == set()
    assert (row["UF_1"], row["UF_3"]) == (guard("k1"), "solved")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("absent", "iMIS: there is no column UF_1: choose another guard_column"),
        ("narrow", "iMIS: the column UF_1 holds 8 characters and 10 are needed: choose another guard_column"),
    ],
)
async def test_a_guard_that_cannot_stand_anywhere_whole_is_never_written(
    stage: ImisStage, change: str, told: str
) -> None:
    stage.imis.table.absent |= {"UF_1"} if change == "absent" else set()
    stage.imis.table.widths["UF_1"] = 8
    failure = await failure_of(stage.crm.log_activity(CALL, key="k1", repeat=False))
    assert isinstance(failure, PermanentFailure)
    assert str(failure) == told
    assert stage.imis.activities == []


async def test_a_type_is_not_cut(stage: ImisStage) -> None:
    stage.imis.table.widths["ACTIVITY_TYPE"] = 3
    failure = await failure_of(stage.crm.log_activity(CALL, key="k1", repeat=False))
    assert str(failure) == "iMIS: activity_type may have 3 characters here"


async def test_an_activity_does_not_wait_for_what_can_be_done_without(stage: ImisStage) -> None:
    stage.imis.faults.append(Fault("html", times=2, path="/metadata/"))
    await written(stage)
    assert len(stage.imis.activities) == 1


def test_a_definition_of_something_else_by_that_name_is_not_believed() -> None:
    other = Columns({"subject": Column("Subject", 20)}, told=True)
    assert believed("Activity", other) is ACTIVITY
    assert believed("UD_FollowUps", other) is other


async def asked(stage: ImisStage, key: str) -> int:
    """How many requests one more activity costs."""
    before = stage.imis.counters.requests
    await stage.crm.log_activity(CALL, key=key, repeat=False)
    return stage.imis.counters.requests - before


async def test_columns_are_read_once_a_day(stage: ImisStage) -> None:
    assert await asked(stage, "k1") > 1
    assert await asked(stage, "k2") == 1
    stage.clock.at += timedelta(days=1)
    assert await asked(stage, "k3") > 1


async def test_after_a_refusal_columns_are_read_anew(stage: ImisStage) -> None:
    await stage.crm.log_activity(CALL, key="k1", repeat=False)
    stage.imis.table.absent.add("UF_2")
    assert isinstance(await failure_of(stage.crm.log_activity(CALL, key="k2", repeat=False)), PermanentFailure)
    await stage.crm.log_activity(CALL, key="k2", repeat=True)
    assert "UF_2" not in stage.imis.activities[-1]
