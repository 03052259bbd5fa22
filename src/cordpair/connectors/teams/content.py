"""Encrypted content of change notifications: key pairs for it, and how it is opened.

Source: microsoft-graph-docs-contrib, change-notifications-with-resource-data.md: a key for each notification wrapped by
RSA-OAEP (SHA-1), the signature of the still encrypted data by HMAC-SHA256, then AES-256-CBC whose first block stands on
the first 16 bytes of the key itself.
"""

import hmac
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from cordpair.core.content_keys import ContentKey

_KEY_BITS = 2048  # the least that Microsoft takes; more costs more for each notification
_CERTIFICATE_LIVES = timedelta(days=365)
_CLOCKS_DIFFER = timedelta(hours=1)
_OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA1()), algorithm=hashes.SHA1(), label=None)  # noqa: S303 - Microsoft's
_BLOCK_BITS, _IV_BYTES, _DATA_KEY_BYTES = 128, 16, 32
_object = msgspec.json.Decoder(dict[str, Any])


class Unopened(Exception):
    """Content that is not to be believed. `reason` has few values: it is counted."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def make_key(name: str, now: datetime) -> ContentKey:
    """A new pair with a certificate that it has signed itself. Takes some tenths of a second: not for the event loop.

    `now` is real time, aware UTC; `name` (up to 128 characters) is what notifications call the key.
    """
    private = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "cordpair change notifications")])
    certificate = (
        x509.CertificateBuilder(subject, subject, private.public_key(), x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(now + _CERTIFICATE_LIVES)
        .sign(private, hashes.SHA256())
    )
    secret = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return ContentKey(id=name, certificate=certificate.public_bytes(Encoding.DER), private=secret, made_at=now)


def opened(content: Mapping[str, object], keys: Sequence[ContentKey]) -> dict[str, Any]:
    """The resource in an `encryptedContent`. Raises Unopened: no key of this name, another signature, no resource.

    Costs about a millisecond: many of them are not for the event loop.
    """
    key = next((key for key in keys if key.id == content.get("encryptionCertificateId")), None)
    if key is None:
        raise Unopened("content_key")
    data = _bytes(content, "data")
    data_key = _unwrapped(_bytes(content, "dataKey"), key)
    # Before anything is decrypted: what was tampered with tells nobody how it would have come out.
    if not hmac.compare_digest(hmac.digest(data_key, data, "sha256"), _bytes(content, "dataSignature")):
        raise Unopened("content_signature")
    try:
        return _object.decode(_decrypted(data, data_key))
    except (ValueError, RecursionError) as exc:
        raise Unopened("content_unreadable") from exc


def _bytes(content: Mapping[str, object], name: str) -> bytes:
    text = content.get(name)
    try:
        return b64decode(text if isinstance(text, str) else "", validate=True)
    except (NoBase64, ValueError) as exc:
        raise Unopened("content_unreadable") from exc


def _unwrapped(wrapped: bytes, key: ContentKey) -> bytes:
    # Our own key, sealed by us: to prove it a good one each time would cost more than all the rest.
    private = load_der_private_key(key.private, None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(private, rsa.RSAPrivateKey)
    try:
        data_key = private.decrypt(wrapped, _OAEP)
    except ValueError as exc:
        raise Unopened("content_signature") from exc
    if len(data_key) != _DATA_KEY_BYTES:
        raise Unopened("content_signature")
    return data_key


def _decrypted(data: bytes, key: bytes) -> bytes:
    """Raises ValueError for what is no whole number of blocks, or not padded as it must be."""
    reader = Cipher(algorithms.AES(key), modes.CBC(key[:_IV_BYTES])).decryptor()
    padded = reader.update(data) + reader.finalize()
    unpadder = PKCS7(_BLOCK_BITS).unpadder()
    return unpadder.update(padded) + unpadder.finalize()
