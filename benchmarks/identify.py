"""Who calls: how many of 100,000 messily written numbers are found, for whom one is wrongly taken, and how fast.

Beside it, on the same contacts: texts compared as they stand, the last seven digits alone, and libphonenumber alone.
"""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import phonenumbers as lib

from benchmarks.ground import ground, opened, organisation, percentile, set_up
from benchmarks.measuring import Line, cpu_seconds, undisturbed
from benchmarks.spellings import SPELLINGS, Contact, contacts
from cordpair.connectors.hits import hits_of
from cordpair.core.caller import settled
from cordpair.core.ids import PartyRef, TenantId
from cordpair.core.number_plan import last7, stored_numbers
from cordpair.core.numbers import candidates
from cordpair.store.doors import Store
from cordpair.store.parties import IndexedParty, IndexedPhone, hashes_of
from cordpair.store.phone_memory import PhoneMemory

PARTIES, SEED = 100_000, 7
_LOOKS, _QUESTIONS, _PAGE, _SPAN = 20_000, 500, 5_000, 20_000

#: Number (or a part of it) to contacts.
Index = Mapping[str, Sequence[Contact]]


def run(count: int = PARTIES, seed: int = SEED) -> list[Line]:
    """Shares found, persons taken wrongly, look-up times, and parties a second into the index."""
    known = contacts(seed, count)
    return [*_found(known), *asyncio.run(_speed(known, seed))]


def _found(known: Sequence[Contact]) -> list[Line]:
    ours = _index((key, one) for one in known for key in _keys(one))
    found, wrong = _judged(known, lambda e164: _ours(ours, e164))
    equal = _index((one.record.phones[0].raw, one) for one in known)
    suffix = _index((last7(one.record.phones[0].raw) or "", one) for one in known)
    parsed = _index((_parsed(one), one) for one in known)
    others = {
        "texts as they stand": _judged(known, lambda e164: _alone(equal, e164)),
        "last seven digits": _judged(known, lambda e164: _alone(suffix, last7(e164) or "")),
        "libphonenumber alone": _judged(known, lambda e164: _alone(parsed, e164)),
    }
    spelled = f"{len(SPELLINGS)} spellings, 6 countries, {len(known):,} numbers"
    shares = [
        Line(
            work=f"found, {spelled}" if place == 0 else "",
            unit="%",
            ours=100 * found / len(known),
            opponent=name,
            theirs=100 * theirs[0] / len(known),
            aim=99.9 if place == 0 else None,
        )
        for place, (name, theirs) in enumerate(others.items())
    ]
    persons = [
        Line(
            work="taken for a wrong person" if place == 0 else "",
            unit="",
            ours=wrong,
            opponent=name,
            theirs=theirs[1],
            aim=0 if place == 0 else None,
            at_most=True,
        )
        for place, (name, theirs) in enumerate(others.items())
    ]
    return [*shares, *persons]


def _judged(known: Iterable[Contact], look: Callable[[str], tuple[set[PartyRef], PartyRef | None]]) -> tuple[int, int]:
    """(callers whose party is among those found, callers who are taken for somebody else)."""
    found = wrong = 0
    for one in known:
        refs, chosen = look(one.e164)
        found += one.record.ref in refs
        wrong += chosen is not None and chosen != one.record.ref
    return found, wrong


def _ours(index: Index, e164: str) -> tuple[set[PartyRef], PartyRef | None]:
    holders = {one.record.ref: one for key in (e164, last7(e164) or "") for one in index.get(key, ())}
    hits = [hit for one in holders.values() for hit in hits_of(one.record, region="DE", source="iMIS")]
    ranked = candidates(e164, hits)
    return {one.party for one in ranked}, settled(ranked)


def _alone(index: Index, key: str) -> tuple[set[PartyRef], PartyRef | None]:
    """Whoever stands there; alone, they are taken for the caller."""
    refs = {one.record.ref for one in index.get(key, ())}
    return refs, next(iter(refs)) if len(refs) == 1 else None


def _index(pairs: Iterable[tuple[str, Contact]]) -> Index:
    index: dict[str, list[Contact]] = defaultdict(list)
    for key, one in pairs:
        index[key].append(one)
    return index


def _keys(one: Contact) -> set[str]:
    numbers = stored_numbers(one.record.phones[0].raw, one.record.region)
    return {key for number in numbers for key in (number.e164, last7(number.digits)) if key}


def _parsed(one: Contact) -> str:
    try:
        number = lib.parse(one.record.phones[0].raw, one.record.region)
    except lib.NumberParseException:
        return ""
    return str(lib.format_number(number, lib.PhoneNumberFormat.E164))


async def _speed(known: Sequence[Contact], seed: int) -> list[Line]:
    read_s = cpu_seconds(lambda: [_indexed(one) for one in known[:_LOOKS]])
    parties = [_indexed(one) for one in known]
    async with ground() as base, opened(base.databases) as store:
        setup = organisation(1, agents=0)
        await set_up(store, setup)
        rates = [await _put(store, setup.id, parties[begin : begin + _SPAN]) for begin in range(0, len(parties), _SPAN)]
        asked = _asked(known, seed)
        sql = await _by_sql(store, setup.id, asked[:_QUESTIONS])
        key = await store.keys.tenant_key(setup.id)
    memory = PhoneMemory()
    memory.fill(
        (hashed, one.record.ref)
        for one in parties
        for phone in one.phones
        for hashed in hashes_of(key, phone.e164).values()
    )
    looks = _timed(lambda e164: memory.find(key, e164), asked)
    return [
        Line(
            work=f"look-up in memory, {len(known):,} parties, p50",
            unit="us",
            ours=percentile(looks, 0.5) * 1e6,
            opponent="one SQL question by keyed hash",
            theirs=percentile(sql, 0.5) * 1e6,
            aim=10,
            at_most=True,
        ),
        Line(
            work="  the same, p99",
            unit="us",
            ours=percentile(looks, 0.99) * 1e6,
            opponent="one SQL question by keyed hash",
            theirs=percentile(sql, 0.99) * 1e6,
            aim=200,
            at_most=True,
        ),
        Line(
            work="parties into the index, sealed and durable",
            unit="/s",
            ours=max(rates),
            aim=20_000,
            note=f"best of {len(rates)} spans, all: {len(rates) / sum(1 / rate for rate in rates):,.0f}",
        ),
        Line(
            work="  reading their numbers before",
            unit="/cpu-s",
            ours=_LOOKS / read_s,
            opponent="libphonenumber's parse and check",
            theirs=_LOOKS / cpu_seconds(lambda: [_checked(one) for one in known[:_LOOKS]]),
        ),
    ]


async def _put(store: Store, tenant: TenantId, parties: Sequence[IndexedParty]) -> float:
    """Parties a second."""
    begun = time.perf_counter()
    for begin in range(0, len(parties), _PAGE):
        async with store.open_tenant(tenant) as rows:
            await rows.parties.upsert(parties[begin : begin + _PAGE])
    return len(parties) / (time.perf_counter() - begun)


def _asked(known: Sequence[Contact], seed: int) -> list[str]:
    """Numbers of callers: nine of ten are known."""
    dice = random.Random(f"asked/{seed}")
    return [
        dice.choice(known).e164 if dice.random() < 0.9 else f"+49899999{dice.randrange(10**5):05}"
        for _ in range(_LOOKS)
    ]


def _timed(look: Callable[[str], object], asked: Iterable[str]) -> list[float]:
    took = []
    with undisturbed():
        for e164 in asked:
            begun = time.perf_counter()
            look(e164)
            took.append(time.perf_counter() - begun)
    return took


async def _by_sql(store: Store, tenant: TenantId, asked: Iterable[str]) -> list[float]:
    took = []
    for e164 in asked:
        begun = time.perf_counter()
        async with store.open_tenant(tenant) as rows:
            await rows.parties.find(e164)
        took.append(time.perf_counter() - begun)
    return took


def _indexed(one: Contact) -> IndexedParty:
    phone = one.record.phones[0]
    numbers = stored_numbers(phone.raw, one.record.region)
    return IndexedParty(one.record, tuple(IndexedPhone(it.e164 or it.digits, phone.label) for it in numbers))


def _checked(one: Contact) -> bool:
    try:
        return lib.is_valid_number(lib.parse(one.record.phones[0].raw, one.record.region))
    except lib.NumberParseException:
        return False
