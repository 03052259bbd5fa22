"""Signatures of Standard Webhooks: HMAC-SHA256 of id, time and body, one for each live secret.

Source: the specification of Standard Webhooks. A receiver who knows any of the secrets can check, so that a secret is
replaced without a moment in which nothing arrives.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from cordpair.errors import Rejected

TOLERANCE = timedelta(minutes=5)
_PREFIX = "whsec_"
_BYTES = 32


def new_secret(chance: bytes) -> str:
    """A secret out of 32 random bytes, as people hand it over."""
    if len(chance) != _BYTES:
        raise ValueError(f"a secret is made of {_BYTES} bytes")
    return _PREFIX + base64.b64encode(chance).decode()


def sign(secrets: Iterable[str], message: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of a message."""
    stamp = str(int(at.timestamp()))
    signatures = " ".join(f"v1,{_signature(secret, message, stamp, body)}" for secret in secrets)
    return {"webhook-id": message, "webhook-timestamp": stamp, "webhook-signature": signatures}


def verified(secrets: Iterable[str], headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """The id of a message that was signed with one of the secrets, now or minutes ago. Raises Rejected (401)."""
    message, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = [one.partition(",")[2] for one in headers.get("webhook-signature", "").split() if one.startswith("v1,")]
    if not message or len(message) > 200 or not stamp.isdecimal() or len(stamp) > 12 or not given:
        raise Rejected("the message is not signed", status=401)
    if abs(now.timestamp() - int(stamp)) > TOLERANCE.total_seconds():
        raise Rejected("the message is too old or too new", status=401)
    wanted = [_signature(secret, message, stamp, body) for secret in secrets]
    # Every pair is compared, each in constant time: how long it takes tells nothing.
    fits = [hmac.compare_digest(one.encode(), other.encode()) for one in wanted for other in given[:10]]
    if True not in fits:
        raise Rejected("the signature does not fit", status=401)
    return message


def _signature(secret: str, message: str, stamp: str, body: bytes) -> str:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error as exc:
        raise Rejected("a secret looks like whsec_ and base64") from exc
    content = b".".join((message.encode(), stamp.encode(), body))
    return base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
