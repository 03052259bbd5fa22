"""What a connector is tested on: a system with parties, a hand behind the curtain, and what a test needs of it."""

from collections.abc import Awaitable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from cordpair.connectors.kit import Activity, Crm, PartyPage
from cordpair.core.ids import CallId, PartyRef
from cordpair.core.party import PartyRecord
from cordpair.errors import CordpairError

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
    await collect(crm, bookmark, pages)
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


async def collect(crm: Crm, bookmark: str | None, pages: list[PartyPage]) -> None:
    async for page in crm.changed_parties(bookmark):
        pages.append(page)  # noqa: PERF401 - what came before a failure is kept
