"""Tokens that come with encrypted change notifications: Microsoft Graph says with them that it is the sender.

Source: microsoft-graph-docs-contrib, change-notifications-with-resource-data.md ("How to validate"): one token for each
application and organisation of a delivery, signed with the keys that Entra publishes for all organisations.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from cordpair.connectors.teams.keys import SigningKeys
from cordpair.connectors.teams.verdicts import Verdicts
from cordpair.errors import Rejected

PUBLISHER = "0bf30f3b-4a52-48df-9a82-234910c4a086"  #: Microsoft Graph's sender of change notifications
_MOST = 20  # tokens of one delivery that are looked at: a signature costs
_ISSUERS = ("https://sts.windows.net/{tid}/", "https://login.microsoftonline.com/{tid}/v2.0")


class ChangeTokens:
    """Judges them. `keys` are Entra's for all organisations; `now` is real time, aware UTC."""

    def __init__(self, keys: SigningKeys, *, now: Callable[[], datetime]) -> None:
        self._verdicts = Verdicts(keys, now=now)

    async def vouched_for(self, tokens: Sequence[str], audience: str) -> tuple[frozenset[str], int]:
        """The organisations (ids in small letters) for which a token made for `audience` (our client id) holds, and how
        many tokens do not hold. Raises TemporaryFailure as long as Entra's keys could never be fetched."""
        found = [await self._organisation(token, audience) for token in tokens[:_MOST]]
        return frozenset(one for one in found if one), found.count("") + max(0, len(tokens) - _MOST)

    async def _organisation(self, token: str, audience: str) -> str:
        """Empty when the token does not hold."""
        try:
            claims = (await self._verdicts.of(token)).claims
        except Rejected:
            return ""
        return str(claims["tid"]).lower() if _is_of_graph(claims, audience) else ""


def _is_of_graph(claims: dict[str, Any], audience: str) -> bool:
    tid = claims.get("tid")
    if not isinstance(tid, str) or claims["aud"] not in (audience, [audience]):
        return False
    # The first version of these tokens says `appid`, the second `azp`.
    made_by = claims.get("azp") if claims.get("ver") == "2.0" else claims.get("appid")
    return made_by == PUBLISHER and claims["iss"] in [issuer.format(tid=tid) for issuer in _ISSUERS]
