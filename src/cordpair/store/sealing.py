"""Seals personal text: AES-256-GCM under the key of the person or thing it is about (the subject).

Three layers: the operator's key wraps one key per tenant, the tenant's key wraps one key per subject, the subject's key
seals the bytes. What is sealed is bound to its tenant, column, subject and row: moved anywhere else it does not open.
Destroying a subject's key erases every copy of what it sealed, also in backups of the main database.

Subjects: a call (`call:{id}`), an agent (`agent:{id}`), a party of a CRM (`party:{connector}:{id}`), the tenant's own
secrets (`tenant`), the details of one day's audit records (`audit:{yyyy-mm-dd}`), and the intake of one day
(`intake:{yyyy-mm-dd}`). The last one exists because a raw notification
comes in before anybody knows which call it is about, and a key per notification would cost one more commit each: all of
one day's raw payloads share a key, which goes with them after INTAKE_KEPT. What the fold has understood of them by then
stands sealed under the call's own key.
"""

import hashlib
import hmac
import os
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cordpair.core.ids import AgentId, CallId, PartyRef, TenantId
from cordpair.errors import PermanentFailure

KEY_BYTES = 32
INTAKE_KEPT = timedelta(days=3)
TENANT_SUBJECT = "tenant"
_FORM = b"\x01"  # how the bytes are laid out: form, nonce, ciphertext with tag
_NONCE_BYTES = 12


class Unreadable(PermanentFailure):
    """A sealed value that does not open: its key was destroyed, or it stands where it does not belong."""


def call_subject(call: CallId) -> str:
    return f"call:{call}"


def agent_subject(agent: AgentId) -> str:
    return f"agent:{agent}"


def party_subject(party: PartyRef) -> str:
    return f"party:{party.connector}:{party.id}"


def intake_subject(at: datetime) -> str:
    """The subject of what came in on the UTC day of `at`."""
    return intake_day_subject(at.astimezone(UTC).date())


def intake_day_subject(day: date) -> str:
    return day_subject("intake", day)


def audit_subject(at: datetime) -> str:
    """The subject of what the audit trail tells of the UTC day of `at`."""
    return day_subject("audit", at.astimezone(UTC).date())


def day_subject(what: str, day: date) -> str:
    return f"{what}:{day.isoformat()}"


class Keyring:
    """Keys of some subjects of one tenant, at hand for one piece of work."""

    def __init__(self, tenant: TenantId, keys: Mapping[str, bytes]) -> None:
        self._tenant = tenant
        self._keys = keys

    def sealer(self, column: str, subject: str, rows: int) -> Callable[[bytes, str], bytes]:
        """`seal` for at most `rows` rows of one column and subject: what they have in common is made once."""
        encrypt, prefix = AESGCM(self._keys[subject]).encrypt, place(self._tenant, column, subject)
        nonces = os.urandom(_NONCE_BYTES * rows)
        starts = iter(range(0, len(nonces), _NONCE_BYTES))

        def seal(data: bytes, row: str) -> bytes:
            start = next(starts)
            nonce = nonces[start : start + _NONCE_BYTES]
            return _FORM + nonce + encrypt(nonce, data, prefix + row.encode())

        return seal

    def seal(self, column: str, subject: str, data: bytes, row: str = "") -> bytes:
        """Seal `data` for `column` (`table.column`). Raises KeyError when the subject's key was not asked for."""
        return encrypt(self._keys[subject], data, place(self._tenant, column, subject, row))

    def seal_again(self, column: str, subject: str, data: bytes, row: str) -> bytes:
        """`seal` for what is written often and changes seldom: the same bytes by the same key, sealed once."""
        return _sealed_lately(self._keys[subject], data, place(self._tenant, column, subject, row))

    def open(self, column: str, subject: str, sealed: bytes, row: str = "") -> bytes:
        """What `seal` was given. Raises Unreadable."""
        key = self._keys.get(subject)
        if key is None:
            raise Unreadable(f"{column}: the key was destroyed")
        return decrypt(key, sealed, place(self._tenant, column, subject, row))


class TenantKey:
    """A tenant's key: wraps the keys of its subjects and makes its look-up hashes."""

    def __init__(self, tenant: TenantId, key: bytes) -> None:
        self._tenant = tenant
        self._wrapping = _derive(key, b"cordpair wrapping")
        self._hashing = _derive(key, b"cordpair look-up")

    def wrap(self, subject: str, key: bytes) -> bytes:
        return encrypt(self._wrapping, key, place(self._tenant, "subject_keys.wrapped", subject))

    def unwrap(self, subject: str, wrapped: bytes) -> bytes:
        return decrypt(self._wrapping, wrapped, place(self._tenant, "subject_keys.wrapped", subject))

    def look_up_hash(self, kind: str, text: str) -> bytes:
        """Keyed hash by which a number is found without being stored. Differs between tenants."""
        return hmac.digest(self._hashing, f"{kind}:{text}".encode(), hashlib.sha256)[:16]


def new_key() -> bytes:
    return os.urandom(KEY_BYTES)


def place(tenant: TenantId, column: str, subject: str, row: str = "") -> bytes:
    """Where a sealed value belongs: its associated data."""
    return "\x00".join((tenant, column, subject, row)).encode()


def encrypt(key: bytes, data: bytes, associated: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return _FORM + nonce + AESGCM(key).encrypt(nonce, data, associated)


_sealed_lately = lru_cache(maxsize=4_000)(encrypt)


def decrypt(key: bytes, sealed: bytes, associated: bytes) -> bytes:
    """Raises Unreadable when the key, the place or the bytes do not fit."""
    nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    try:
        if sealed[:1] != _FORM:
            raise Unreadable("a sealed value has an unknown form")
        return AESGCM(key).decrypt(nonce, ciphertext, associated)
    except (InvalidTag, ValueError) as exc:
        raise Unreadable("a sealed value does not open here") from exc


def _derive(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(key)
