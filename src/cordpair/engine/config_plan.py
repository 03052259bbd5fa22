"""What applying a file would change: the differences to what runs, warnings, and what others changed meanwhile."""

from collections.abc import Collection, Mapping
from datetime import datetime

import msgspec
from msgspec.structs import replace

from cordpair.connectors.teams.chimes import CHIMES
from cordpair.core.audit import Actor
from cordpair.core.flow_finding import Surroundings
from cordpair.core.ids import AgentId
from cordpair.core.setup_diff import Difference, differences
from cordpair.core.setup_secrets import keeping_secrets, without_secrets
from cordpair.core.tenant import TenantSetup
from cordpair.engine.config_files import Organisation
from cordpair.engine.config_places import Place
from cordpair.engine.config_warnings import Warned, removals, warnings
from cordpair.engine.config_words import Speaker
from cordpair.errors import Rejected
from cordpair.store.doors import Store, TenantRows
from cordpair.store.setup_versions import SetupVersion

_MOST_SINCE = 200


class Since(msgspec.Struct, frozen=True, kw_only=True):
    """A version that came after the one that a file is based on."""

    number: int
    at: datetime
    actor: Actor
    note: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What applying `after` would do. `version` is what runs now, 0 and `before` None for a new organisation.

    `since` are the versions that came after the one the file says it is based on, `theirs` what they changed: applying
    the file undoes what of it is not in the file.
    """

    version: int
    before: TenantSetup | None
    after: TenantSetup
    differences: tuple[Difference, ...]
    warnings: tuple[tuple[Place | None, Warned], ...] = ()
    based_on: int | None = None
    since: tuple[Since, ...] = ()
    theirs: tuple[Difference, ...] = ()

    @property
    def has_drifted(self) -> bool:
        """Whether the file would change something and is based on another version than runs."""
        return bool(self.differences) and self.based_on not in (None, self.version)

    def sentences(self, language: str) -> list[str]:
        """Every difference in words."""
        speaker = Speaker(self.before, self.after, language)
        return [speaker.sentence(one) for one in self.differences]

    def their_sentences(self, language: str) -> list[str]:
        """What others changed since, in words."""
        if self.before is None:
            return []
        speaker = Speaker(None, self.before, language)
        return [speaker.sentence(one) for one in self.theirs]


async def plan_of(
    store: Store, given: Organisation, languages: Collection[str], now: datetime, based_on: int | None = None
) -> Plan:
    """The plan for an organisation's file. Raises Rejected where it speaks of a stored secret that there is not.

    `languages` can be spoken here. `based_on` counts where the file says nothing of it.
    """
    async with store.open_tenant(given.setup.id) as rows:
        version, running = await rows.setups.revision(), await rows.setups.get()
        basis = based_on if given.based_on is None else given.based_on
        since, theirs = await _drift(rows, basis, version, running)
        used = await rows.setups.in_use()
        prompts = {*CHIMES, *(prompt.name for prompt in await rows.prompts.all())}
    after = keeping_secrets(given.setup, running)
    found = differences(running, after)
    around = Surroundings(queues=after.queues, prompts=prompts, languages=languages)
    warned = (*removals(running, after, used), *warnings(after, around, now))
    placed = tuple((given.place(one.path), one) for one in warned)
    return Plan(
        version=version,
        before=running,
        after=after,
        differences=found,
        warnings=placed,
        based_on=basis,
        since=since,
        theirs=theirs,
    )


async def between(rows: TenantRows, old: int, new: int | None) -> tuple[TenantSetup, TenantSetup]:
    """Two versions to be compared; `new` None: what runs. Without secrets. Raises Rejected for one that is not kept."""
    names = await rows.agents.names()
    before = await _kept(rows, old, names)
    running = await rows.setups.get()
    if new is not None or running is None:
        return before, await _kept(rows, new or 0, names)
    return before, without_secrets(running)


async def _kept(rows: TenantRows, number: int, names: Mapping[AgentId, str]) -> TenantSetup:
    version = await rows.versions.get(number)
    if version is None:
        raise Rejected(f"version {number} is not kept: see `cordpair config history`")
    return named(version.setup, names)


async def _drift(
    rows: TenantRows, basis: int | None, version: int, running: TenantSetup | None
) -> tuple[tuple[Since, ...], tuple[Difference, ...]]:
    if basis is None or basis == version or running is None:
        return (), ()
    known = await rows.versions.newest(_MOST_SINCE)
    since = [since_of(one) for one in known if one.number > basis]
    base = next((one for one in known if one.number == basis), None)
    if base is None:
        return tuple(since), ()
    was = named(base.setup, await rows.agents.names())
    return tuple(since), differences(was, without_secrets(running))  # versions keep no secrets


def named(setup: TenantSetup, names: Mapping[AgentId, str]) -> TenantSetup:
    """An earlier version with the names that its agents have now. Who is not known any more is left out."""
    known = tuple(replace(one, name=names[one.id]) for one in setup.agents if one.id in names)
    return replace(setup, agents=known)


def since_of(version: SetupVersion) -> Since:
    """A version without what it says."""
    return Since(number=version.number, at=version.at, actor=version.actor, note=version.note)
