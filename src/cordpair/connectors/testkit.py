"""The promises of a CRM connector, as tests. Subclass `CrmPromises`, or `RemoteCrmPromises` for a system over HTTP.

Give `stage()`, which sets up a CRM with some parties; pytest collects the rest:

    class TestMine(RemoteCrmPromises):
        async def stage(self) -> Stage: ...

Tests run under pytest-asyncio in auto mode. A stage is asked for once per test.
"""

from collections.abc import Awaitable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from cordpair.connectors.kit import Activity, Crm, PartyPage
from cordpair.core.ids import CallId, PartyRef
from cordpair.core.party import PartyRecord
from cordpair.errors import CordpairError, PermanentFailure, TemporaryFailure, UnknownOutcome

#: A possible number of a country that does not exist.
UNKNOWN_NUMBER = "+10000000000"
NOTE = "Wants the lamp catalogue sent to Nachtigallenweg 4"


class Fault(StrEnum):
    """How a remote CRM can answer instead of doing what it is asked."""

    HTML = "html"  # a page of the web tier, 503
    ERROR = "error"  # 500
    THROTTLED = "throttled"  # 429, with the wish for 7 seconds
    SIGNED_OUT = "signed_out"  # 401 once, although the token should be good
    LOCKED_OUT = "locked_out"  # 401 whatever we do
    CUT = "cut"  # the connection breaks, nothing was done


class Stage(Protocol):
    """A CRM with at least three pages of parties, and a hand behind the curtain.

    `known` is a party that holds `known_phone` alone.
    """

    @property
    def crm(self) -> Crm: ...
    @property
    def known(self) -> PartyRef: ...
    @property
    def known_phone(self) -> str: ...

    def another_crm(self) -> Crm:
        """A second connector to the same system, as in another process."""

    async def party_ids(self) -> list[str]:
        """All parties that the system holds, by its own word."""

    async def activity_ids(self) -> list[str]:
        """All activities that the system holds, by its own word."""

    async def change(self, party: PartyRef) -> None:
        """Somebody changes a party in the system."""

    async def lose_next_answer(self) -> None:
        """The next activity is stored, and the answer to it is lost."""


class RemoteStage(Stage, Protocol):
    """A stage that can be made to answer badly."""

    async def fault(self, fault: Fault, *, after: int = 0) -> None:
        """Answer so, after `after` more good answers; signing in is not counted."""


class CrmPromises:
    """What the engine relies on."""

    async def stage(self) -> Stage:
        raise NotImplementedError

    async def test_an_unknown_number_finds_nobody(self) -> None:
        stage = await self.stage()
        assert list(await stage.crm.find_by_phone(UNKNOWN_NUMBER)) == []

    async def test_a_known_number_finds_its_party(self) -> None:
        stage = await self.stage()
        found = await stage.crm.find_by_phone(stage.known_phone)
        assert [record.ref for record in found] == [stage.known]

    async def test_a_party_says_which_connector_it_is_of(self) -> None:
        stage = await self.stage()
        assert stage.known.connector == stage.crm.name

    async def test_looking_never_creates_anything(self) -> None:
        stage = await self.stage()
        before = await stage.party_ids(), await stage.activity_ids()
        for _ in range(3):
            await stage.crm.find_by_phone(UNKNOWN_NUMBER)
            await stage.crm.find_by_phone(stage.known_phone)
        assert (await stage.party_ids(), await stage.activity_ids()) == before

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

    async def test_a_sync_gives_every_party_once(self) -> None:
        stage = await self.stage()
        pages = await pages_of(stage.crm, None)
        assert sorted(ids_of(pages)) == sorted(await stage.party_ids())

    async def test_only_the_last_page_is_complete(self) -> None:
        stage = await self.stage()
        pages = await pages_of(stage.crm, None)
        assert [page.complete for page in pages] == [False] * (len(pages) - 1) + [True]
        assert len(pages) >= 3

    async def test_a_bookmark_continues_where_the_page_ended_in_another_process(self) -> None:
        stage = await self.stage()
        first = await first_page(stage.crm, None)
        rest = await pages_of(stage.another_crm(), first.bookmark)
        assert sorted([*ids_of([first]), *ids_of(rest)]) == sorted(await stage.party_ids())

    async def test_the_next_sync_brings_who_was_changed_and_not_everybody(self) -> None:
        stage = await self.stage()
        bookmark = (await pages_of(stage.crm, None))[-1].bookmark
        await stage.change(stage.known)
        changed = ids_of(await pages_of(stage.another_crm(), bookmark))
        assert stage.known.id in changed
        assert len(changed) < len(await stage.party_ids())

    async def test_who_is_changed_during_a_sync_comes_in_it_or_in_the_next(self) -> None:
        stage = await self.stage()
        first = await first_page(stage.crm, None)
        await stage.change(stage.known)
        rest = await pages_of(stage.crm, first.bookmark)
        following = await pages_of(stage.crm, rest[-1].bookmark)
        assert stage.known.id in [*ids_of(rest), *ids_of(following)]

    async def test_a_spoiled_bookmark_is_refused_once_and_for_all(self) -> None:
        stage = await self.stage()
        assert isinstance(await failure_of(pages_of(stage.crm, "no bookmark")), PermanentFailure)


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
            failure = await failure_of(_collect(stage.crm, None, pages))
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


def activity(party: PartyRef) -> Activity:
    """A call that lasted a little over three minutes."""
    return Activity(
        call=CallId("1f0f6c58-7d5a-5b6e-9a39-0d8f3c1b2a4d"),
        party=party,
        started_at=datetime(2026, 11, 23, 8, 0, tzinfo=UTC),
        talk_s=185,
        agent_name="Ada Lindgreen",
        queue="Membership",
        disposition="solved",
        note=NOTE,
    )


async def failure_of(work: Awaitable[object]) -> CordpairError | None:
    """The failure in which some work ends; None when it succeeds."""
    try:
        await work
    except CordpairError as failure:
        return failure
    return None


async def pages_of(crm: Crm, bookmark: str | None) -> list[PartyPage]:
    pages: list[PartyPage] = []
    await _collect(crm, bookmark, pages)
    return pages


async def first_page(crm: Crm, bookmark: str | None) -> PartyPage:
    async for page in crm.changed_parties(bookmark):
        return page
    raise AssertionError("a sync gives at least one page")


def ids_of(pages: list[PartyPage]) -> list[str]:
    return [record.ref.id for page in pages for record in page.parties]


def said_personally(text: str, person: PartyRecord, phone: str) -> list[str]:
    """Which personal data of a person an error text repeats."""
    secrets = [phone, phone[-7:], NOTE, "Ada Lindgreen", *person.name.split(), *(p.raw for p in person.phones)]
    return [secret for secret in secrets if secret.lower() in text.lower()]


async def _collect(crm: Crm, bookmark: str | None, pages: list[PartyPage]) -> None:
    async for page in crm.changed_parties(bookmark):
        pages.append(page)  # noqa: PERF401 - what came before a failure is kept
