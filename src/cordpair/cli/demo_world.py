"""From the emulated world to the setup of the product: what an administrator would type in."""

from collections.abc import Mapping
from typing import Any

from cordpair.core.ids import AgentId, QueueId, RegistrationId, TenantId
from cordpair.core.tenant import AgentSetup, CrmSetup, Disposition, Queue, Registration, TenantSetup


def setup_of(tenant: Mapping[str, Any]) -> TenantSetup:
    """The setup of one organisation as the emulator describes it."""
    registration = tenant["registration"]
    return TenantSetup(
        id=TenantId(tenant["id"]),
        name=tenant["name"],
        region=tenant["region"],
        time_zone=tenant["time_zone"],
        registration=Registration(
            id=RegistrationId(registration["id"]),
            tenant=TenantId(tenant["id"]),
            client_id=registration["client_id"],
            client_secret=registration["client_secret"],
            bot_id=registration["bot_id"],
            bot_name=registration["bot_name"],
        ),
        queues=tuple(_queue(queue) for queue in tenant["queues"]),
        agents=tuple(_agent(agent) for agent in tenant["agents"]),
        crm=_crm(tenant["imis"]),
    )


def _queue(queue: Mapping[str, Any]) -> Queue:
    return Queue(
        id=QueueId(queue["id"]),
        name=queue["name"],
        resource_account=queue["resource_account"],
        skills=frozenset(queue["skills"]),
        language=queue["language"],
        colour=queue["colour"],
        dispositions=tuple(Disposition(id=it["id"], en=it["en"], de=it["de"]) for it in queue["dispositions"]),
    )


def _agent(agent: Mapping[str, Any]) -> AgentSetup:
    return AgentSetup(
        id=AgentId(agent["id"]),
        name=agent["name"],
        queues=tuple(QueueId(queue) for queue in agent["queues"]),
        skills=frozenset(agent["skills"]),
        locale=agent["locale"],
    )


def _crm(imis: Mapping[str, Any]) -> CrmSetup:
    settings = {
        "base_url": imis["base_url"],
        "time_zone": imis["time_zone"],
        "username": imis["username"],
        "record_link": imis["base_url"] + "/Party.aspx?ID={party_id}",
    }
    return CrmSetup(connector="imis", settings=settings, secrets={"password": imis["password"]})
