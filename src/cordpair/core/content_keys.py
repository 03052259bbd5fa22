"""Keys with which Microsoft encrypts what its change notifications carry, and when they are changed.

Source: microsoft-graph-docs-contrib, change-notifications-with-resource-data.md ("Rotating keys"): a new key at a
regular renewal, and the former one kept, because what was encrypted with it may still be under way.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

GOOD_FOR = timedelta(days=7)  #: then the next renewal brings another one
_KEPT = 2  # the present one, and the one before


class ContentKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key pair. `certificate` (X.509) and `private` (PKCS 8, secret) are DER; `made_at` is aware UTC."""

    id: str
    certificate: bytes
    private: bytes
    made_at: datetime

    def __repr__(self) -> str:
        return f"ContentKey({self.id})"


def present(keys: Sequence[ContentKey], now: datetime) -> ContentKey | None:
    """The key to encrypt with; None when it is time for another one."""
    return keys[0] if keys and keys[0].made_at <= now < keys[0].made_at + GOOD_FOR else None


def changed(keys: Sequence[ContentKey], new: ContentKey) -> tuple[ContentKey, ...]:
    """The keys to keep once `new` is the present one, newest first."""
    return (new, *keys)[:_KEPT]
