"""Who of several candidates stands first: what is known of them beside the number. Pure.

The order only proposes. Who the caller was is said by a sure number that one party alone has, or by a person.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from cordpair.core.caller import Candidate, Grade
from cordpair.core.ids import AgentId, PartyRef, QueueId
from cordpair.core.trunk import Trunk

HALF_LIFE = timedelta(days=90)  #: a choice counts half as much after so long
LEAST_WEIGHT = 0.25  #: what counts less is forgotten: a single choice after half a year
MOST_WEIGHT = 4.0  #: who was chosen a hundred times is given up as soon as who was chosen four times

_ORDER = {grade: place for place, grade in enumerate(Grade)}


class Choice(msgspec.Struct, frozen=True):
    """An agent said who called from a number: `weight` as of `at` (aware)."""

    weight: float
    at: datetime

    def weight_at(self, now: datetime) -> float:
        """What it still counts; a clock that went back forgets nothing."""
        age = max(now - self.at, timedelta(0))
        return float(self.weight * 0.5 ** (age / HALF_LIFE))


class Contact(msgspec.Struct, frozen=True):
    """The last call with a party: by whom, from which queue, when (aware)."""

    agent: AgentId | None
    queue: QueueId | None
    at: datetime


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a candidate beside the number."""

    open_case: bool = False
    owner: str = ""  #: the CRM's word for who looks after the party
    updated_at: datetime | None = None
    contact: Contact | None = None
    choice: Choice | None = None


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """On whose behalf the order is made: when (aware), in which queue, for which agent if that is known."""

    now: datetime
    queue: QueueId | None = None
    agent: AgentId | None = None
    agent_name: str = ""


def chosen_again(former: Choice | None, now: datetime) -> Choice:
    """The choice after an agent made it (again)."""
    return Choice(min((former.weight_at(now) if former else 0.0) + 1.0, MOST_WEIGHT), now)


def ranked(found: Iterable[Candidate], known: Mapping[PartyRef, Known], asking: Asking) -> tuple[Candidate, ...]:
    """The candidates, the likeliest first, each with what speaks for it.

    By grade; among equals who was chosen for this number before, has an open case, was spoken to last by this agent or
    queue, is looked after by this agent, was changed last in the CRM; then by name.
    """
    nothing = Known()
    named = [_told(one, known.get(one.party, nothing), asking) for one in found]
    return tuple(sorted(named, key=lambda one: _place(one, known.get(one.party, nothing), asking)))


def of_trunks(trunks: Iterable[Trunk], source: str) -> tuple[Candidate, ...]:
    """Candidates for an unknown extension: one for each company, the longest root first."""
    best: dict[str, Trunk] = {}
    for trunk in sorted(trunks, key=lambda it: (-len(it.root), it.company, it.party.id)):
        best.setdefault(trunk.company.casefold(), trunk)
    return tuple(
        Candidate(
            party=trunk.party,
            name=trunk.company,
            grade=Grade.TRUNK,
            reason=f"matched by phone, {trunk.origin} range of the company's numbers, {source}",
            is_stand_in=trunk.is_person,
        )
        for trunk in best.values()
    )


def _told(candidate: Candidate, known: Known, asking: Asking) -> Candidate:
    weight = known.choice.weight_at(asking.now) if known.choice else 0.0
    return replace(candidate, was_chosen=True) if weight >= LEAST_WEIGHT else candidate


def _place(candidate: Candidate, known: Known, asking: Asking) -> tuple[object, ...]:
    weight = known.choice.weight_at(asking.now) if candidate.was_chosen and known.choice else 0.0
    return (
        _ORDER[candidate.grade],
        -round(weight, 3),
        not known.open_case,
        *_contact_place(known.contact, asking),
        not (asking.agent_name and known.owner.casefold() == asking.agent_name.casefold()),
        -_seconds(known.updated_at),
        candidate.name,
        candidate.party.id,
    )


def _contact_place(contact: Contact | None, asking: Asking) -> tuple[int, float]:
    """With this agent before this queue before anybody; the latest first."""
    if contact is None:
        return 3, 0.0
    if asking.agent is not None and contact.agent == asking.agent:
        near = 0
    else:
        near = 1 if contact.queue == asking.queue is not None else 2
    return near, -_seconds(contact.at)


def _seconds(at: datetime | None) -> float:
    return 0.0 if at is None else at.timestamp()
