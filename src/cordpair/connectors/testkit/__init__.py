"""The promises of a CRM connector, as tests. Subclass `CrmPromises`, `RemoteCrmPromises` for a system over HTTP, or
`PartyPromises` for a directory that is only read.

Give `stage()`, which sets up a CRM with some parties; pytest collects the rest:

    class TestMine(RemoteCrmPromises):
        async def stage(self) -> Stage: ...

Tests run under pytest-asyncio in auto mode. A stage is asked for once per test.
"""

from cordpair.connectors.kit import PartyPage
from cordpair.connectors.testkit.parties import PartyPromises
from cordpair.connectors.testkit.stages import (
    NOTE,
    UNKNOWN_NUMBER,
    Fault,
    RemoteStage,
    Stage,
    activity,
    collect,
    failure_of,
    first_page,
    ids_of,
    pages_of,
    said_personally,
)
from cordpair.errors import CordpairError, PermanentFailure, TemporaryFailure, UnknownOutcome

__all__ = [
    "NOTE",
    "UNKNOWN_NUMBER",
    "CrmPromises",
    "Fault",
    "PartyPromises",
    "RemoteCrmPromises",
    "RemoteStage",
    "Stage",
    "activity",
    "failure_of",
    "first_page",
    "ids_of",
    "pages_of",
    "said_personally",
]


class CrmPromises(PartyPromises):
    """What the engine relies on."""

    async def stage(self) -> Stage:
        raise NotImplementedError

    async def test_an_activity_is_written_under_the_id_that_is_returned(self) -> None:
        stage = await self.stage()
        written = await stage.crm.log_activity(activity(stage.known), key="k1", repeat=False)
        assert await stage.activity_ids() == [written]

    async def test_logging_again_with_one_key_makes_one_activity(self) -> None:
        stage = await self.stage()
        first = await stage.crm.log_activity(activity(stage.known), key="k1", repeat=False)
        again = await stage.crm.log_activity(activity(stage.known), key="k1", repeat=True)
        assert first == again
        assert await stage.activity_ids() == [first]

    async def test_a_repeat_of_what_never_arrived_writes_it(self) -> None:
        stage = await self.stage()
        written = await stage.crm.log_activity(activity(stage.known), key="k1", repeat=True)
        assert await stage.activity_ids() == [written]

    async def test_two_calls_of_one_party_make_two_activities(self) -> None:
        stage = await self.stage()
        first = await stage.crm.log_activity(activity(stage.known), key="k1", repeat=False)
        second = await stage.crm.log_activity(activity(stage.known), key="k2", repeat=True)
        assert sorted(await stage.activity_ids()) == sorted({first, second})

    async def test_a_lost_answer_is_an_unknown_outcome(self) -> None:
        stage = await self.stage()
        await stage.lose_next_answer()
        failure = await failure_of(stage.crm.log_activity(activity(stage.known), key="k1", repeat=False))
        assert isinstance(failure, UnknownOutcome)

    async def test_a_lost_answer_and_a_repeat_make_one_activity(self) -> None:
        stage = await self.stage()
        await stage.lose_next_answer()
        assert await failure_of(stage.crm.log_activity(activity(stage.known), key="k1", repeat=False)) is not None
        written = await stage.another_crm().log_activity(activity(stage.known), key="k1", repeat=True)
        assert await stage.activity_ids() == [written]

    async def test_an_activity_is_found_by_its_key_at_its_party_alone(self) -> None:
        stage = await self.stage()
        written = await stage.crm.log_activity(activity(stage.known), key="k1", repeat=False)
        assert list(await stage.another_crm().find_activities(stage.known, "k1")) == [written]
        assert list(await stage.another_crm().find_activities(stage.known, "k2")) == []

    async def test_an_update_changes_the_activity_and_adds_none(self) -> None:
        stage = await self.stage()
        written = await stage.crm.log_activity(activity(stage.known), key="k1", repeat=False)
        for _ in range(2):
            await stage.crm.update_activity(written, activity(stage.known), key="k1")
        assert await stage.activity_ids() == [written]
        assert list(await stage.crm.find_activities(stage.known, "k1")) == [written]

    async def test_an_update_of_what_is_gone_is_refused_once_and_for_all(self) -> None:
        stage = await self.stage()
        gone = stage.crm.update_activity("987654321", activity(stage.known), key="k1")
        failure = await failure_of(gone)
        assert isinstance(failure, PermanentFailure)
        assert failure.status == 404

    async def test_the_time_after_which_a_look_proves_something_is_named(self) -> None:
        stage = await self.stage()
        assert 0 <= stage.crm.quarantine_s <= 3600


class RemoteCrmPromises(CrmPromises):
    """What the engine relies on when the system is somebody else's. `title` is its name for people."""

    title: str

    async def stage(self) -> RemoteStage:
        raise NotImplementedError

    async def test_a_web_page_instead_of_data_is_temporary(self) -> None:
        assert isinstance(await self._failure_of_a_look_up(Fault.HTML), TemporaryFailure)

    async def test_an_error_of_the_other_side_is_temporary(self) -> None:
        assert isinstance(await self._failure_of_a_look_up(Fault.ERROR), TemporaryFailure)

    async def test_being_throttled_is_temporary_and_says_for_how_long(self) -> None:
        failure = await self._failure_of_a_look_up(Fault.THROTTLED)
        assert isinstance(failure, TemporaryFailure)
        assert failure.retry_after_s == 7

    async def test_a_broken_connection_is_temporary(self) -> None:
        assert isinstance(await self._failure_of_a_look_up(Fault.CUT), TemporaryFailure)

    async def test_a_token_that_ends_in_the_middle_is_replaced_unnoticed(self) -> None:
        stage = await self.stage()
        await stage.fault(Fault.SIGNED_OUT, after=1)
        assert sorted(ids_of(await pages_of(stage.crm, None))) == sorted(await stage.party_ids())

    async def test_a_user_who_is_locked_out_is_permanent(self) -> None:
        failure = await self._failure_of_a_look_up(Fault.LOCKED_OUT)
        assert isinstance(failure, PermanentFailure)
        assert failure.status == 401

    async def test_a_sync_that_breaks_continues_by_its_last_bookmark(self) -> None:
        for fault in (Fault.HTML, Fault.ERROR, Fault.THROTTLED, Fault.CUT):
            stage = await self.stage()
            await stage.fault(fault, after=1)
            pages: list[PartyPage] = []
            failure = await failure_of(collect(stage.crm, None, pages))
            assert isinstance(failure, TemporaryFailure), fault
            rest = await pages_of(stage.another_crm(), pages[-1].bookmark)
            assert sorted([*ids_of(pages), *ids_of(rest)]) == sorted(await stage.party_ids()), fault

    async def test_whatever_an_activity_meets_its_repeat_makes_one(self) -> None:
        for fault in (Fault.HTML, Fault.ERROR, Fault.THROTTLED, Fault.CUT):
            stage = await self.stage()
            await pages_of(stage.crm, None)
            await stage.fault(fault)
            failure = await failure_of(stage.crm.log_activity(activity(stage.known), key="k1", repeat=False))
            assert isinstance(failure, TemporaryFailure), fault
            written = await stage.crm.log_activity(activity(stage.known), key="k1", repeat=True)
            assert await stage.activity_ids() == [written], fault

    async def test_an_error_names_the_system_and_nobody_in_it(self) -> None:
        for fault in Fault:
            if fault is Fault.SIGNED_OUT:
                continue
            stage = await self.stage()
            person = (await stage.crm.find_by_phone(stage.known_phone))[0]
            await stage.fault(fault)
            look_up = await failure_of(stage.crm.find_by_phone(stage.known_phone))
            await stage.fault(fault)
            writing = await failure_of(stage.crm.log_activity(activity(stage.known), key="k1", repeat=False))
            for failure in (look_up, writing):
                assert self.title in str(failure), fault
                assert not said_personally(str(failure), person, stage.known_phone), fault

    async def _failure_of_a_look_up(self, fault: Fault) -> CordpairError | None:
        stage = await self.stage()
        await stage.fault(fault)
        return await failure_of(stage.crm.find_by_phone(stage.known_phone))
