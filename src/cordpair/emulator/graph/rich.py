"""Change notifications that carry the changed resource, encrypted for the subscriber's certificate.

Rules: microsoft-graph-docs-contrib, change-notifications-with-resource-data.md.
"""

import hashlib
import hmac
import json
import os
from base64 import b64decode, b64encode
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import Encoding

from cordpair.emulator.graph.errors import bad_request

_BITS = range(2048, 4097)
_LONGEST_ID = 128


def check_encryption(body: dict[str, Any], *, is_rich: bool) -> None:
    """Raises GraphError (400) when a subscription does not say whom to encrypt for, or says it wrongly."""
    certificate, name = body.get("encryptionCertificate"), body.get("encryptionCertificateId")
    if is_rich and not (certificate and name):
        raise bad_request("Subscriptions with includeResourceData need encryptionCertificate and ...Id.")
    if len(name or "") > _LONGEST_ID:
        raise bad_request(f"Property 'encryptionCertificateId' is longer than {_LONGEST_ID} characters.")
    if certificate:
        _public(certificate)


def encrypted(resource: dict[str, Any], body: dict[str, Any]) -> dict[str, str]:
    """The `encryptedContent` of a resource, for the certificate in a subscription's body."""
    key, plain = os.urandom(32), json.dumps(resource).encode()
    padder = PKCS7(128).padder()
    writer = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    data = writer.update(padder.update(plain) + padder.finalize()) + writer.finalize()
    certificate, public = _public(body["encryptionCertificate"])
    wrapped = public.encrypt(key, padding.OAEP(padding.MGF1(SHA1()), SHA1(), None))  # noqa: S303 - as Graph does
    return {
        "data": b64encode(data).decode(),
        "dataSignature": b64encode(hmac.digest(key, data, "sha256")).decode(),
        "dataKey": b64encode(wrapped).decode(),
        "encryptionCertificateId": body["encryptionCertificateId"],
        "encryptionCertificateThumbprint": hashlib.sha1(certificate.public_bytes(Encoding.DER)).hexdigest().upper(),  # noqa: S324 - a name
    }


def _public(text: str) -> tuple[x509.Certificate, rsa.RSAPublicKey]:
    try:
        certificate = x509.load_der_x509_certificate(b64decode(text, validate=True))
        key = certificate.public_key()
    except ValueError as exc:
        raise bad_request("Property 'encryptionCertificate' is no certificate.") from exc
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size not in _BITS:
        raise bad_request("The key of 'encryptionCertificate' must be RSA of 2048 to 4096 bits.")
    return certificate, key
