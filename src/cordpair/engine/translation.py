"""How each source of the inbox is read: what Microsoft tells, and what we told ourselves."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from cordpair.connectors.teams.translate import Ignored, translate, translate_presence
from cordpair.core import events as e
from cordpair.core.ids import TenantId
from cordpair.engine.facts import Translate


def translators(tenant: TenantId, region: str) -> Mapping[str, Translate]:
    """How each source of the inbox is read."""

    def graph(body: bytes, at: datetime) -> Sequence[e.AnyEvent]:
        found = translate(msgspec.json.decode(body), tenant=tenant, region=region, at=at)
        return [] if isinstance(found, Ignored) else found

    def presence(body: bytes, at: datetime) -> Sequence[e.AnyEvent]:
        found = translate_presence(msgspec.json.decode(body), at=at)
        return [] if isinstance(found, Ignored) else [found]

    def own(body: bytes, _at: datetime) -> Sequence[e.AnyEvent]:
        return [e.decode(body)]

    return {"graph": graph, "presence": presence, "result": own, "command": own, "timer": own}
