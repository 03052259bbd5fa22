"""A mapping on trial: one look-up, and if asked for one page of a sync, with everything that was said on the way."""

from collections.abc import Iterator

import msgspec

from cordpair.connectors.kit import PartyPage
from cordpair.connectors.rest import Mapping, Seen, opened
from cordpair.core.numbers import grade
from cordpair.core.party import PartyRecord
from cordpair.core.tenant import CrmSetup
from cordpair.engine.clock import SystemClock
from cordpair.engine.outward import outward_client
from cordpair.errors import CordpairError
from cordpair.settings import read_settings

_LONGEST = 2_000  # characters of an answer that are shown


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What is tried, with which settings, on whose number (E.164)."""

    mapping: Mapping
    settings: dict[str, str]
    secrets: dict[str, str]
    number: str
    region: str
    zone: str


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What was said and what came of it. `failure` is why it ended early, if it did."""

    number: str
    region: str
    seen: tuple[Seen, ...]
    found: tuple[PartyRecord, ...] = ()
    page: PartyPage | None = None
    failure: str = ""


async def tried(case: Trial, *, sync: bool) -> Result:
    """Try it. Failures are part of the result."""
    seen: list[Seen] = []
    found: tuple[PartyRecord, ...] = ()
    page, failure = None, ""
    setup = CrmSetup(connector=case.mapping.name, settings=case.settings, secrets=case.secrets)
    async with outward_client(read_settings().private_networks) as http:
        crm = opened(
            case.mapping,
            setup,
            region=case.region,
            time_zone=case.zone,
            http=http,
            now=SystemClock().now,
            watch=seen.append,
        )
        try:
            found = tuple(await crm.find_by_phone(case.number, case.region))
            if sync:
                page = await anext(crm.changed_parties(None), None)
        except CordpairError as exc:
            failure = str(exc)
    return Result(number=case.number, region=case.region, seen=tuple(seen), found=found, page=page, failure=failure)


def shown(result: Result) -> Iterator[str]:
    """The result as lines for a person at a terminal."""
    for number, one in enumerate(result.seen, 1):
        yield f"{number}. {one.method} {one.url}"
        yield from (f"   {name}: {value}" for name, value in one.headers.items() if _tells(name))
        if one.body:
            yield f"   {one.body}"
        yield f"   -> {one.status or 'no answer'}: {one.answer[:_LONGEST]}"
    yield ""
    if result.failure:
        yield f"failed: {result.failure}"
    yield f"found: {len(result.found)}"
    for party in result.found:
        numbers = [(phone, grade(result.number, phone.raw, party.region or result.region)) for phone in party.phones]
        yield f"  {party.ref.id}  {party.name}" + (f", {party.company}" if party.company else "")
        yield from (f"      {phone.label}: {phone.raw}  ({sure}: {why})" for phone, (sure, why) in numbers)
    if result.page is not None:
        more = "" if result.page.complete else ", more follow"
        yield f"first page of the sync: {len(result.page.parties)} parties{more}"
        yield from (f"  {party.ref.id}  {party.name}" for party in result.page.parties[:5])


def _tells(header: str) -> bool:
    return header.lower() not in ("host", "accept-encoding", "connection", "user-agent", "content-length")
