"""What has had its time goes: raw payloads with the keys of their days, flows done long ago, versions of the setup."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from cordpair.engine.flows import Again, Flow, Kind, Try
from cordpair.store.doors import Store
from cordpair.store.due import due

log = structlog.get_logger(__name__)

KIND = "purge"
EVERY = timedelta(hours=1)


def purge_kind(store: Store, agreed: Callable[[], datetime]) -> Kind:
    """The flow that purges a tenant hour by hour; what could not be purged is tried again, and then shown.

    `agreed` is the time by which things are due: see engine.clock.agreed_now.
    """

    async def run(flow: Flow) -> Again:
        async def payloads(_: Try) -> int:
            return await store.purge_intake(flow.tenant, agreed())

        async def flows(_: Try) -> int:
            async with store.open_tenant(flow.tenant) as rows:
                return await rows.flows.purge(due(agreed()).flows_before)

        async def versions(_: Try) -> int:
            return await store.purge_versions(flow.tenant, agreed())

        count = await flow.step("payloads", payloads)
        log.info("raw payloads purged", tenant=flow.tenant, count=count)
        await flow.step("flows", flows)
        await flow.step("versions", versions)
        return Again(flow.now() + EVERY)

    return Kind(name=KIND, version=1, run=run, is_patient=True)
