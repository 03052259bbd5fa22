"""Signing keys and the tokens made with them."""

import functools
import time
import uuid
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm


@functools.cache
def signing_key(_issuer: str, endorsements: tuple[str, ...] = ()) -> "SigningKey":
    """The key of an issuer: made once in a process, because making one takes a while."""
    return SigningKey(endorsements)


class SigningKey:
    """One RSA key of an issuer. `endorsements` are the channels that the key may speak for."""

    def __init__(self, endorsements: tuple[str, ...] = ()) -> None:
        self._private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.kid = uuid.uuid4().hex
        self.endorsements = endorsements
        self._public = self._private.public_key()

    def sign(self, claims: dict[str, Any], lives_s: int) -> str:
        """An RS256 token, valid from now on for `lives_s` real seconds."""
        now = int(time.time())
        times = {"iat": now, "nbf": now, "exp": now + lives_s}
        return jwt.encode({**times, **claims}, self._private, algorithm="RS256", headers={"kid": self.kid})

    def read(self, token: str, audience: str) -> dict[str, Any]:
        """The claims of a token of this key. Raises jwt.InvalidTokenError."""
        claims: dict[str, Any] = jwt.decode(
            token, self._public, algorithms=["RS256"], audience=audience, options={"require": ["exp", "aud", "iss"]}
        )
        return claims

    def jwk(self) -> dict[str, Any]:
        """The public half as published."""
        key: dict[str, Any] = RSAAlgorithm.to_jwk(self._public, as_dict=True)
        key = {**key, "kid": self.kid, "use": "sig", "alg": "RS256"}
        return {**key, "endorsements": list(self.endorsements)} if self.endorsements else key
