"""Follow-ups in iMIS: an activity with a tickler date, or a row of the organisation's own panel table, each once."""

from collections.abc import AsyncIterator
from datetime import date, datetime

import msgspec
import pytest

from cordpair.connectors.imis.answers import QUARANTINE_S
from cordpair.connectors.imis.guards import guard
from cordpair.connectors.imis.settings import PanelSink, read_settings
from cordpair.connectors.kit import Task
from cordpair.connectors.testkit import activity, failure_of
from cordpair.core.ids import PartyRef
from cordpair.emulator.imis_faults import Fault
from cordpair.emulator.imis_query import Value
from cordpair.errors import PermanentFailure, Rejected, UnknownOutcome
from tests.connectors.imis_server import ANSGAR, ImisStage, imis_stage, setup

PANEL = {"task_table": "UD_FollowUps", "task_columns": "subject=Subject due=DueDate note=Notes guard=ExternalKey"}
TASK = Task(party=ANSGAR, subject="Send the lamp catalogue", due=date(2026, 11, 30), note="asked for it twice")
HERE = "https://verband.example"


@pytest.fixture(params=[{}, PANEL], ids=["activity", "panel"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[ImisStage]:
    async with imis_stage(**request.param) as ready:
        yield ready


def rows(stage: ImisStage) -> list[dict[str, Value | None]]:
    """All tasks that iMIS holds, wherever they are."""
    return stage.imis.panels["UD_FollowUps"].rows if "task_table" in stage.settings else stage.imis.activities


async def test_a_task_stands_where_the_organisation_keeps_them(stage: ImisStage) -> None:
    await stage.crm.add_task(TASK, key="k1", repeat=False)
    (row,) = rows(stage)
    if "task_table" in stage.settings:
        names = ("ID", "Subject", "DueDate", "Notes", "ExternalKey")
    else:
        names = ("PartyId", "DESCRIPTION", "TICKLER_DATE", "NOTE", "UF_1")
    expected = (ANSGAR.id, TASK.subject, datetime(2026, 11, 30), TASK.note, guard("k1"))
    assert tuple(row[name] for name in names) == expected


async def test_a_repeat_finds_the_task(stage: ImisStage) -> None:
    first = await stage.crm.add_task(TASK, key="k1", repeat=False)
    assert await stage.another_crm().add_task(TASK, key="k1", repeat=True) == first
    assert len(rows(stage)) == 1


async def test_a_lost_answer_and_a_repeat_make_one_task(stage: ImisStage) -> None:
    await stage.lose_next_answer()
    assert isinstance(await failure_of(stage.crm.add_task(TASK, key="k1", repeat=False)), UnknownOutcome)
    await stage.crm.add_task(TASK, key="k1", repeat=True)
    assert len(rows(stage)) == 1


async def test_a_task_that_is_stored_late_is_found_after_the_quarantine(stage: ImisStage) -> None:
    stage.imis.faults.append(Fault("late_commit", delay_s=100))
    failure = await failure_of(stage.crm.add_task(TASK, key="k1", repeat=False))
    assert isinstance(failure, UnknownOutcome)
    assert failure.quarantine_s == QUARANTINE_S
    await stage.crm.add_task(TASK, key="k1", repeat=True)
    assert len(rows(stage)) == 1


async def test_two_tasks_of_one_party_are_two(stage: ImisStage) -> None:
    written = [await stage.crm.add_task(TASK, key=key, repeat=True) for key in ("k1", "k2")]
    assert len({*written}) == len(rows(stage)) == 2


async def test_the_task_of_another_party_is_not_this_ones(stage: ImisStage) -> None:
    other = msgspec.structs.replace(TASK, party=PartyRef("imis", "31100"))
    written = [await stage.crm.add_task(task, key="k1", repeat=True) for task in (TASK, other)]
    assert len({*written}) == len(rows(stage)) == 2


async def test_a_subject_is_cut_to_its_column(stage: ImisStage) -> None:
    await stage.crm.add_task(msgspec.structs.replace(TASK, subject="s" * 300), key="k1", repeat=False)
    subject = rows(stage)[0].get("Subject") or rows(stage)[0].get("DESCRIPTION")
    assert subject == "s" * (59 if "task_table" in stage.settings else 254) + "…"


async def test_the_older_generation_takes_tasks_too(stage: ImisStage) -> None:
    stage.imis.old_assembly, stage.imis.definitions_work = True, False
    await stage.crm.add_task(TASK, key="k1", repeat=False)
    assert len(rows(stage)) == 1


async def test_a_refusal_does_not_repeat_what_was_sent(stage: ImisStage) -> None:
    message = f"'{TASK.subject}' of {ANSGAR.id}: {TASK.note}"
    stage.imis.faults.append(Fault("refused", method="POST", message=message))
    failure = await failure_of(stage.crm.add_task(TASK, key="k1", repeat=False))
    assert str(failure) == "iMIS refused the request (400): '…' of …: … / A second message."


async def test_a_call_and_a_task_of_one_key_are_found_by_themselves() -> None:
    async with imis_stage() as stage:
        call = await stage.crm.log_activity(activity(ANSGAR), key="call", repeat=False)
        task = await stage.crm.add_task(TASK, key="task", repeat=True)
        assert await stage.crm.log_activity(activity(ANSGAR), key="call", repeat=True) == call != task


async def test_a_panel_that_does_not_exist_parks_the_task() -> None:
    async with imis_stage(**(PANEL | {"task_table": "UD_Nothing"})) as stage:
        failure = await failure_of(stage.crm.add_task(TASK, key="k1", repeat=False))
        assert "404" in str(failure)
        assert rows(stage) == []


async def test_a_panel_whose_guard_is_too_narrow_is_never_written() -> None:
    async with imis_stage(**PANEL) as stage:
        stage.imis.panels["UD_FollowUps"].columns["ExternalKey"] = ("String", 5)
        failure = await failure_of(stage.crm.add_task(TASK, key="k1", repeat=False))
        assert isinstance(failure, PermanentFailure)
        assert "ExternalKey holds 5 characters" in str(failure)


def test_columns_of_a_panel_are_named_one_by_one() -> None:
    settings = read_settings(setup(HERE, task_table="UD_FollowUps", task_columns="subject=Text guard=Key"))
    assert settings.task_sink == PanelSink(table="UD_FollowUps", subject="Text", guard="Key")


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("UD_FollowUps", "subject=Text"),
        ("UD_FollowUps", ""),
        ("UD_FollowUps", "subject=Text guard=Key colour=Red"),
        ("UD_FollowUps", "subject=Text guard=Key table=Other"),
        ("UD FollowUps/../Party", "subject=Text guard=Key"),
    ],
)
def test_a_panel_that_cannot_work_is_refused(table: str, columns: str) -> None:
    with pytest.raises(Rejected, match="task_"):
        read_settings(setup(HERE, task_table=table, task_columns=columns))
