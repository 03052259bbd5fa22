"""How each source of the inbox is read: what Microsoft tells, and what we told ourselves."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from cordpair.connectors.teams.translate import Ignored, translate, translate_presence
from cordpair.core import events as e
from cordpair.core.caller import CallerKind
from cordpair.core.ids import TenantId
from cordpair.core.number_plan import read_number
from cordpair.core.number_rules import NO_RULES, NumberRules
from cordpair.engine.facts import Translate


def translators(tenant: TenantId, region: str, rules: NumberRules = NO_RULES) -> Mapping[str, Translate]:
    """How each source of the inbox is read."""

    def graph(body: bytes, at: datetime) -> Sequence[e.AnyEvent]:
        found = translate(msgspec.json.decode(body), tenant=tenant, region=region, at=at)
        return [] if isinstance(found, Ignored) else [_by_rules(event, region, rules) for event in found]

    def presence(body: bytes, at: datetime) -> Sequence[e.AnyEvent]:
        found = translate_presence(msgspec.json.decode(body), at=at)
        return [] if isinstance(found, Ignored) else [found]

    def own(body: bytes, _at: datetime) -> Sequence[e.AnyEvent]:
        return [e.decode(body)]

    return {"graph": graph, "presence": presence, "result": own, "command": own, "timer": own}


def _by_rules(event: e.AnyEvent, region: str, rules: NumberRules) -> e.AnyEvent:
    """An arrival whose number is read as the organisation's private exchange writes it."""
    if not isinstance(event, e.Arrived) or event.caller.kind is not CallerKind.NUMBER or rules == NO_RULES:
        return event
    read = read_number(event.caller.raw, region, rules=rules)
    return replace(event, caller=replace(event.caller, kind=read.kind, e164=read.e164))
