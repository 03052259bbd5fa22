"""J7: whether an audit trail is whole and covers what was done. Written from docs/reference/audit.md alone."""

import hashlib
import struct
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

Row = dict[str, Any]
_NOTHING = bytes(32)


def signer_of(operator_key: bytes) -> bytes:
    """The installation's public key (32 bytes)."""
    seed = HKDF(SHA256(), 32, salt=None, info=b"cordpair audit").derive(operator_key)
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def faults_of(
    records: Iterable[Row], chain: Iterable[Row], heads: Iterable[Row], checkpoints: Iterable[Row], signer: bytes
) -> Iterator[str]:
    """What is wrong with the trails of all tenants. Rows as they lie in their tables, tenants as text."""
    trails: defaultdict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for name, rows in (("records", records), ("chain", chain), ("heads", heads), ("checkpoints", checkpoints)):
        for row in rows:
            trails[row["tenant"]][name].append(row)
    for tenant, trail in trails.items():
        found = (
            *_chain(tenant, sorted(trail["chain"], key=_number), trail["checkpoints"]),
            *_records(tenant, trail["records"], {row["number"]: row for row in trail["chain"]}),
            *_signed(tenant, trail, signer),
        )
        yield from (f"J7 the audit trail of {tenant}: {fault}" for fault in found)


def uncovered(deeds: Iterable[Row], records: Iterable[Row]) -> Iterator[str]:
    """Deeds (tenant, action, target, sure) without a record, and records of what nobody did.

    One that is not `sure` may have been carried out, or not.
    """
    done = list(deeds)
    sure, perhaps = (Counter(map(_deed, filter(wanted, done))) for wanted in (_is_sure, _always))
    written = Counter(map(_deed, records))
    yield from (f"J7 {count} deeds without a record: {' '.join(it)}" for it, count in (sure - written).items())
    yield from (f"J7 {count} records of no deed: {' '.join(it)}" for it, count in (written - perhaps).items())


def _chain(tenant: str, entries: list[Row], checkpoints: list[Row]) -> Iterator[str]:
    if entries and (entries[0]["number"] != 1 or entries[0]["previous"] != _NOTHING):
        known = {(row["number"] + 1, row["digest"]) for row in checkpoints}
        if (entries[0]["number"], entries[0]["previous"]) not in known:
            yield "its beginning is gone"
    for entry in entries:
        told = ("cordpair audit entry 1", tenant, entry["number"], entry["day"], entry["commitment"], entry["previous"])
        if hashlib.sha256(_framed(*told)).digest() != entry["digest"]:
            yield f"entry {entry['number']} was changed"
    for before, entry in pairwise(entries):
        if (entry["number"], entry["previous"]) != (before["number"] + 1, before["digest"]):
            yield f"entry {entry['number']} does not follow the one before it"


def _records(tenant: str, records: list[Row], entries: dict[int, Row]) -> Iterator[str]:
    for row in records:
        told = (row["number"], row["at"], row["actor"], row["action"], row["target"], row["detail_sealed"])
        commitment = hashlib.sha256(row["salt"] + _framed("cordpair audit record 1", tenant, *told)).digest()
        entry = entries.get(row["number"])
        if entry is None:
            yield f"record {row['number']} has no entry"
        elif (entry["commitment"], entry["day"]) != (commitment, row["at"].astimezone(UTC).date()):
            yield f"record {row['number']} was changed"
    missing = entries.keys() - {row["number"] for row in records}
    yield from (f"record {number} is gone before its time" for number in sorted(missing))


def _signed(tenant: str, trail: dict[str, list[Row]], signer: bytes) -> Iterator[str]:
    digests = {row["number"]: row["digest"] for row in trail["chain"]}
    if digests and [(row["number"], row["digest"]) for row in trail["heads"]] != [max(digests.items())]:
        yield "its head is not its last entry"
    for row in trail["heads"]:
        if not _is_signed(row, signer, "cordpair audit head 1", tenant, row["number"], row["digest"]):
            yield "its head is not signed by us"
    for row in trail["checkpoints"]:
        told = ("cordpair audit checkpoint 1", tenant, row["number"], row["digest"], row["day"])
        if not _is_signed(row, signer, *told) or digests.get(row["number"], row["digest"]) != row["digest"]:
            yield f"checkpoint {row['number']} does not hold"


def _is_signed(row: Row, signer: bytes, *told: object) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(signer).verify(row["signature"], _framed(*told))
    except InvalidSignature:
        return False
    return bool(row["signer"] == signer)


def _framed(*parts: object) -> bytes:
    """Each part behind its length."""
    found = b""
    for part in parts:
        match part:
            case bytes():
                raw = part
            case datetime():
                raw = part.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()
            case date():
                raw = part.isoformat().encode()
            case _:
                raw = str(part).encode()
        found += struct.pack(">I", len(raw)) + raw
    return found


def _number(row: Row) -> int:
    return int(row["number"])


def _deed(row: Row) -> tuple[str, str, str]:
    return row["tenant"], row["action"], row["target"]


def _is_sure(row: Row) -> bool:
    return bool(row["sure"])


def _always(_: Row) -> bool:
    return True
