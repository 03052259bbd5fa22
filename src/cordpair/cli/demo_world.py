"""From the emulated world to the setup of the product: what an administrator would type in."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from cordpair.core.hours import Hours
from cordpair.core.ids import AgentId, QueueId, RegistrationId, TenantId
from cordpair.core.tenant import AgentSetup, CrmSetup, Disposition, Queue, Registration, TenantSetup

#: After the beginning of the played day, to the minute of the wall clock.
PAUSE_BEGINS, PAUSE_ENDS = timedelta(minutes=1), timedelta(minutes=4)


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


def with_pause(setup: TenantSetup, now: datetime) -> TenantSetup:
    """One of several queues shuts for some minutes soon after `now`: calls at closed hours belong to a working day."""
    if len(setup.queues) < 2:
        return setup
    wall = now.astimezone(ZoneInfo(setup.time_zone))
    open_again, shut = wall + PAUSE_ENDS, wall + PAUSE_BEGINS
    hours = Hours(time_zone=setup.time_zone, week=(f"mon-sun {open_again:%H:%M}-{shut:%H:%M}",))
    first, second, *others = setup.queues
    return msgspec.structs.replace(setup, queues=(first, msgspec.structs.replace(second, hours=hours), *others))


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
