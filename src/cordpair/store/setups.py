"""What an organisation has set up, secrets sealed."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from cordpair.core.flow import Flow
from cordpair.core.ids import AgentId, QueueId, RegistrationId
from cordpair.core.quota import QuotaPolicy
from cordpair.core.setup_diff import same_setup
from cordpair.core.tenant import CrmSetup, Queue, Registration, TenantSetup
from cordpair.store.agents import Agents
from cordpair.store.beacon import NEWS
from cordpair.store.scope import Scope
from cordpair.store.sealing import TENANT_SUBJECT

_REGISTRATION = "registrations.secret_sealed"
_CRM = "crm_setups.secrets_sealed"
#: What stands in columns and tables of its own; every other field of a setup is kept in the tenant's body.
_APART = frozenset({"id", "name", "region", "time_zone", "fallback_user", "registration", "queues", "agents", "crm"})
_IN_BODY = tuple(name for name in TenantSetup.__struct_fields__ if name not in _APART)
_KINDS = {field.name: field.type for field in msgspec.structs.fields(TenantSetup)}


class InUse(msgspec.Struct, frozen=True, kw_only=True):
    """How many calls are in each queue, and which agents are in one."""

    queues: Mapping[QueueId, int]
    agents: frozenset[AgentId]


class Setups:
    """The setup of one tenant."""

    def __init__(self, scope: Scope, agents: Agents) -> None:
        self._scope = scope
        self._agents = agents

    async def configure(self, setup: TenantSetup) -> None:
        """Make this the tenant's setup; again, it changes nothing. Queues and agents left out get no more calls.

        Running nodes take a change up by themselves.
        """
        if same_setup(await self.get(), setup):
            return
        await self._scope.connection.execute(
            "insert into tenants (tenant, name, region, time_zone, revision, fallback_user, body) "
            "values ($1, $2, $3, $4, 1, $5, $6) "
            "on conflict (tenant) do update set name = excluded.name, region = excluded.region, "
            "time_zone = excluded.time_zone, revision = tenants.revision + 1, fallback_user = excluded.fallback_user, "
            "body = excluded.body",
            self._scope.tenant,
            setup.name,
            setup.region,
            setup.time_zone,
            setup.fallback_user,
            msgspec.json.encode({name: getattr(setup, name) for name in _IN_BODY}).decode(),
        )
        await self._put_registration(setup.registration)
        await self._put_crm(setup.crm)
        await self._put_queues(setup.queues)
        await self._agents.configure(setup.agents)
        await self._scope.connection.execute("select pg_notify($1, '')", NEWS)

    async def get(self) -> TenantSetup | None:
        """The tenant's setup with its secrets in the clear; None when there is none."""
        row = await self._scope.connection.fetchrow(
            "select t.name, t.region, t.time_zone, t.fallback_user, t.body, r.registration from tenants t "
            "join registrations r on r.tenant = t.tenant where t.tenant = $1 order by r.registration limit 1",
            self._scope.tenant,
        )
        registration = None if row is None else await self.registration(row["registration"])
        if row is None or registration is None:
            return None
        return TenantSetup(
            id=self._scope.tenant,
            name=row["name"],
            region=row["region"],
            time_zone=row["time_zone"],
            registration=registration,
            queues=tuple(await self.queues()),
            agents=tuple(await self._agents.set_up()),
            crm=await self.crm(),
            fallback_user=row["fallback_user"],
            **_of_body(row["body"]),
        )

    async def revision(self) -> int:
        """The number of the tenant's newest setup; 0 when there is none."""
        found: int | None = await self._scope.connection.fetchval(
            "select revision from tenants where tenant = $1", self._scope.tenant
        )
        return found or 0

    async def in_use(self) -> InUse:
        """What of the setup calls are in now."""
        queues = await self._scope.connection.fetch(
            "select queue, count(*) as calls from calls where tenant = $1 and closed_at is null and queue is not null "
            "group by queue",
            self._scope.tenant,
        )
        agents = await self._scope.connection.fetch(
            "select agent from agents where tenant = $1 and active and call is not null", self._scope.tenant
        )
        return InUse(
            queues={row["queue"]: row["calls"] for row in queues}, agents=frozenset(row["agent"] for row in agents)
        )

    async def registration(self, registration: RegistrationId) -> Registration | None:
        """An app registration of this tenant with its secret in the clear."""
        row = await self._scope.connection.fetchrow(
            "select client_id, bot_id, bot_name, secret_sealed, secret_expires_at, quota from registrations "
            "where tenant = $1 and registration = $2",
            self._scope.tenant,
            registration,
        )
        if row is None:
            return None
        keys = await self._scope.reading([TENANT_SUBJECT])
        return Registration(
            id=registration,
            tenant=self._scope.tenant,
            client_id=row["client_id"],
            client_secret=keys.open(_REGISTRATION, TENANT_SUBJECT, row["secret_sealed"], registration).decode(),
            bot_id=row["bot_id"],
            bot_name=row["bot_name"],
            secret_expires_at=row["secret_expires_at"],
            quota=msgspec.json.decode(row["quota"], type=QuotaPolicy),
        )

    async def crm(self) -> CrmSetup | None:
        """The tenant's CRM with its secrets in the clear."""
        row = await self._scope.connection.fetchrow(
            "select connector, settings, secrets_sealed from crm_setups where tenant = $1", self._scope.tenant
        )
        if row is None:
            return None
        keys = await self._scope.reading([TENANT_SUBJECT])
        secrets = keys.open(_CRM, TENANT_SUBJECT, row["secrets_sealed"], row["connector"])
        return CrmSetup(
            connector=row["connector"],
            settings=msgspec.json.decode(row["settings"], type=dict[str, str]),
            secrets=msgspec.json.decode(secrets, type=dict[str, str]),
        )

    async def queues(self) -> list[Queue]:
        """The queues that take calls, in the order of the setup."""
        rows = await self._scope.connection.fetch(
            "select body from queues where tenant = $1 and active order by position", self._scope.tenant
        )
        return [msgspec.json.decode(row["body"], type=Queue) for row in rows]

    async def call_flows(self) -> tuple[Flow, ...]:
        """The call flows of the setup."""
        body = await self._scope.connection.fetchval("select body from tenants where tenant = $1", self._scope.tenant)
        found: tuple[Flow, ...] = _of_body(body or "{}").get("flows", ())
        return found

    async def _put_registration(self, registration: Registration) -> None:
        keys = await self._scope.writing([TENANT_SUBJECT])
        await self._scope.connection.execute(
            "delete from registrations where tenant = $1 and registration <> $2", self._scope.tenant, registration.id
        )
        await self._scope.connection.execute(
            "insert into registrations (tenant, registration, client_id, bot_id, bot_name, secret_sealed, "
            "secret_expires_at, quota) values ($1, $2, $3, $4, $5, $6, $7, $8) "
            "on conflict (tenant, registration) do update set "
            "client_id = excluded.client_id, bot_id = excluded.bot_id, bot_name = excluded.bot_name, "
            "secret_sealed = excluded.secret_sealed, secret_expires_at = excluded.secret_expires_at, "
            "quota = excluded.quota",
            self._scope.tenant,
            registration.id,
            registration.client_id,
            registration.bot_id,
            registration.bot_name,
            keys.seal(_REGISTRATION, TENANT_SUBJECT, registration.client_secret.encode(), registration.id),
            registration.secret_expires_at,
            msgspec.json.encode(registration.quota).decode(),
        )

    async def _put_crm(self, crm: CrmSetup | None) -> None:
        await self._scope.connection.execute("delete from crm_setups where tenant = $1", self._scope.tenant)
        if crm is not None:
            keys = await self._scope.writing([TENANT_SUBJECT])
            await self._scope.connection.execute(
                "insert into crm_setups (tenant, connector, settings, secrets_sealed) values ($1, $2, $3, $4)",
                self._scope.tenant,
                crm.connector,
                msgspec.json.encode(crm.settings).decode(),
                keys.seal(_CRM, TENANT_SUBJECT, msgspec.json.encode(crm.secrets), crm.connector),
            )

    async def _put_queues(self, queues: Sequence[Queue]) -> None:
        await self._scope.connection.execute("update queues set active = false where tenant = $1", self._scope.tenant)
        await self._scope.connection.executemany(
            "insert into queues (tenant, queue, position, active, service_level_s, body) "
            "values ($1, $2, $3, true, $4, $5) on conflict (tenant, queue) do update set active = true, "
            "position = excluded.position, service_level_s = excluded.service_level_s, body = excluded.body",
            [
                (self._scope.tenant, queue.id, position, queue.service_level_s, msgspec.json.encode(queue).decode())
                for position, queue in enumerate(queues)
            ],
        )


def _of_body(body: str) -> dict[str, Any]:
    """The fields that the body holds; one that was stored by a newer version and is not known here is left out."""
    stored = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return {name: msgspec.json.decode(stored[name], type=_KINDS[name]) for name in _IN_BODY if name in stored}
