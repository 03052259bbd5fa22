"""Agents as rows: what the administrator sets, and what their day brings. The fold never writes the first part."""

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from cordpair.core.agent import Agent, AgentState, Presence, Talk
from cordpair.core.ids import AgentId
from cordpair.core.need import Membership, Value
from cordpair.core.tenant import AgentSetup
from cordpair.store.scope import Scope
from cordpair.store.sealing import Keyring, Unreadable, agent_subject
from cordpair.store.together import Write

_NAME = "agents.name_sealed"
_day_encoder = msgspec.json.Encoder()
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class _Day(msgspec.Struct, frozen=True, omit_defaults=True):
    """The part of an agent's day that no query asks for."""

    reason: str = ""
    after: AgentState = AgentState.READY
    presence: Presence | None = None
    offered_at: datetime | None = None
    missed: int = 0
    declined: int = 0
    talk: Talk | None = None
    told: int = 0


class _Ability(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the administrator sets beyond the names of queues and skills."""

    memberships: tuple[Membership, ...] = ()
    attributes: dict[str, Value] = msgspec.field(default_factory=dict)


class Agents:
    """The agents of one tenant."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def of_floor(self) -> list[Agent]:
        """Agents that are set up, and those who have left but still have a call, in order of their ids."""
        rows = await self._scope.connection.fetch(
            "select agent, queues, skills, ability, state, since, idle_since, call, body, name_sealed from agents "
            "where tenant = $1 and (active or call is not null) order by agent",
            self._scope.tenant,
        )
        keys = await self._scope.reading([agent_subject(row["agent"]) for row in rows])
        return [_agent(row, keys) for row in rows]

    async def set_up(self) -> list[AgentSetup]:
        """Agents as the administrator set them up, in order of their ids."""
        rows = await self._scope.connection.fetch(
            "select agent, queues, skills, ability, locale, name_sealed from agents "
            "where tenant = $1 and active order by agent",
            self._scope.tenant,
        )
        keys = await self._scope.reading([agent_subject(row["agent"]) for row in rows])
        return [_setup(row, keys) for row in rows]

    async def names(self) -> dict[AgentId, str]:
        """Names of everybody who was ever set up and is not erased."""
        rows = await self._scope.connection.fetch(
            "select agent, name_sealed from agents where tenant = $1", self._scope.tenant
        )
        keys = await self._scope.reading([agent_subject(row["agent"]) for row in rows])
        found: dict[AgentId, str] = {}
        for row in rows:
            with contextlib.suppress(Unreadable):
                found[row["agent"]] = _name(row, keys)
        return found

    async def configure(self, agents: Sequence[AgentSetup]) -> None:
        """Make these the tenant's agents. A new one begins offline; one who is not named any more gets no calls."""
        await self._scope.connection.execute(
            "update agents set active = false, queues = '{}' where tenant = $1 and active and agent <> all($2::text[])",
            self._scope.tenant,
            [agent.id for agent in agents],
        )
        if agents:
            keys = await self._scope.writing([agent_subject(agent.id) for agent in agents])
            await self._scope.connection.executemany(
                _CONFIGURE, [_setup_values(self._scope.tenant, agent, keys) for agent in agents]
            )

    async def save(self, agents: Sequence[Agent]) -> None:
        """Write what the day of each agent has come to. Somebody who was never set up is kept, but not active."""
        write = await saving_agents(self._scope, agents)
        await self._scope.connection.execute(write.sql, *write.values)


async def saving_agents(scope: Scope, agents: Sequence[Agent]) -> Write:
    """What `save` writes."""
    keys = await scope.writing([agent_subject(agent.id) for agent in agents])
    columns = (
        [agent.id for agent in agents],
        [agent.state for agent in agents],
        [agent.since for agent in agents],
        [agent.idle_since for agent in agents],
        [agent.call for agent in agents],
        [_day(agent) for agent in agents],
        [keys.seal_again(_NAME, agent_subject(agent.id), agent.name.encode(), agent.id) for agent in agents],
    )
    return Write(_SAVE, (scope.tenant, *columns))


def _day(agent: Agent) -> str:
    return _day_encoder.encode(_Day(**{name: getattr(agent, name) for name in _Day.__struct_fields__})).decode()


def _setup(row: Any, keys: Keyring) -> AgentSetup:
    ability = msgspec.json.decode(row["ability"], type=_Ability)
    return AgentSetup(
        id=row["agent"],
        name=_name(row, keys),
        queues=tuple(row["queues"]),
        skills=frozenset(row["skills"]),
        locale=row["locale"],
        memberships=ability.memberships,
        attributes=ability.attributes,
    )


def _agent(row: Any, keys: Keyring) -> Agent:
    day = msgspec.json.decode(row["body"], type=_Day)
    ability = msgspec.json.decode(row["ability"], type=_Ability)
    return Agent(
        id=row["agent"],
        name=_name(row, keys),
        queues=tuple(row["queues"]),
        skills=frozenset(row["skills"]),
        state=AgentState(row["state"]),
        since=row["since"],
        idle_since=row["idle_since"],
        call=row["call"],
        memberships=ability.memberships,
        attributes=ability.attributes,
        **{name: getattr(day, name) for name in _Day.__struct_fields__},
    )


def _name(row: Any, keys: Keyring) -> str:
    return keys.open(_NAME, agent_subject(row["agent"]), row["name_sealed"], row["agent"]).decode()


def _setup_values(tenant: str, agent: AgentSetup, keys: Keyring) -> tuple[object, ...]:
    sealed = keys.seal(_NAME, agent_subject(agent.id), agent.name.encode(), agent.id)
    ability = msgspec.json.encode(_Ability(memberships=agent.memberships, attributes=agent.attributes)).decode()
    return (tenant, agent.id, list(agent.queues), sorted(agent.skills), agent.locale, _NEVER, sealed, ability)


_CONFIGURE = """
insert into agents (tenant, agent, active, queues, skills, locale, state, since, idle_since, body, name_sealed, ability)
values ($1, $2, true, $3, $4, $5, 'offline', $6, $6, '{}', $7, $8)
on conflict (tenant, agent) do update set
    active = true, queues = excluded.queues, skills = excluded.skills, locale = excluded.locale,
    name_sealed = excluded.name_sealed, ability = excluded.ability
"""
_SAVE = """
insert into agents (tenant, agent, active, queues, skills, locale, state, since, idle_since, call, body, name_sealed)
select $1, a, false, '{}', '{}', 'en', s, n, i, c, b, z
from unnest($2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::jsonb[], $8::bytea[])
     as t (a, s, n, i, c, b, z)
on conflict (tenant, agent) do update set
    state = excluded.state, since = excluded.since, idle_since = excluded.idle_since, call = excluded.call,
    body = excluded.body
"""
