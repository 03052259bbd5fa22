"""Signs the audit trail with an Ed25519 key that follows from the operator's key: the database alone cannot sign."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Signing:
    """Signs and verifies as this installation. `public` is the raw public key, 32 bytes."""

    def __init__(self, operator_key: bytes) -> None:
        seed = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"cordpair audit").derive(operator_key)
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)

    def is_signed(self, message: bytes, signature: bytes, signer: bytes) -> bool:
        """Whether `signer` is this installation and `signature` its own of `message`."""
        return signer == self.public and is_signature(message, signature, signer)


def is_signature(message: bytes, signature: bytes, signer: bytes) -> bool:
    """Whether `signature` is the one that the holder of the public key `signer` makes of `message`."""
    try:
        Ed25519PublicKey.from_public_bytes(signer).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
