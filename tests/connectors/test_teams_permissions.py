"""What a token says of the permissions that Entra has granted."""

import jwt
import pytest

from cordpair.connectors.teams.permissions import NEEDED, missing


def token(*roles: str) -> str:
    return jwt.encode({"roles": list(roles)}, "k" * 32)


def test_a_token_with_every_permission_lacks_none() -> None:
    assert missing(token(*NEEDED, "Something.Else.All")) == ()


def test_what_is_not_granted_is_named() -> None:
    assert missing(token(*NEEDED[1:])) == (NEEDED[0],)


@pytest.mark.parametrize("text", ["", "opaque", "a.b.c", "a.e30.c"])
def test_a_token_that_says_nothing_grants_nothing(text: str) -> None:
    assert missing(text) == NEEDED
