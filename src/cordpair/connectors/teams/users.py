"""People of the tenant, as far as an administrator chooses agents among them."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import msgspec

from cordpair.connectors.teams.rest import Rest, Tokens
from cordpair.connectors.teams.tokens import GRAPH_SCOPE
from cordpair.core.ids import AgentId
from cordpair.errors import PermanentFailure, TemporaryFailure

_FIELDS = "id,displayName,userPrincipalName,preferredLanguage,accountEnabled"
_PAGE = "100"


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A user of the tenant. `locale` is empty when the directory names none."""

    id: AgentId
    name: str
    sign_in_name: str = ""
    locale: str = ""
    enabled: bool = True


class GraphUsers:
    """Users of one tenant."""

    def __init__(self, http: httpx.AsyncClient, tokens: Tokens, *, graph_url: str) -> None:
        self._rest = Rest(http, tokens, scope=GRAPH_SCOPE)
        self._graph_url = graph_url

    async def all(self) -> AsyncIterator[Person]:
        """Everybody, page by page."""
        url, params = f"{self._graph_url}/users", {"$select": _FIELDS, "$top": _PAGE}
        while url:
            answer = await self._rest.request("GET", url, params=params or None, repeatable=True)
            for item in answer.get("value") or []:
                yield _person(item)
            url, params = self._next(answer.get("@odata.nextLink")), {}

    async def get(self, user: AgentId) -> Person | None:
        """One person, None when the tenant has no such user."""
        try:
            url = f"{self._graph_url}/users/{user}"
            return _person(await self._rest.request("GET", url, params={"$select": _FIELDS}, repeatable=True))
        except PermanentFailure as exc:
            if exc.status == 404:
                return None
            raise

    def _next(self, link: object) -> str:
        """The next page; our token goes nowhere but to Graph."""
        if not isinstance(link, str) or not link:
            return ""
        if not link.startswith(f"{self._graph_url}/"):
            raise TemporaryFailure("Graph names a next page that is not its own")
        return link


def _person(item: Mapping[str, Any]) -> Person:
    if not isinstance(item.get("id"), str):
        raise TemporaryFailure("Graph answers a user of an unknown shape")
    return Person(
        id=AgentId(item["id"].lower()),
        name=str(item.get("displayName") or ""),
        sign_in_name=str(item.get("userPrincipalName") or ""),
        locale=str(item.get("preferredLanguage") or ""),
        enabled=item.get("accountEnabled") is not False,
    )
