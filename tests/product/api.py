"""The API as people and programs of an organisation ask it, with tokens that the emulated Entra has made for them."""

from typing import Any

import httpx

from cordpair.web.api_roles import PREFIX
from tests.product.house import Organisation, Person, until

EVERYBODY = ("Agent", "Supervisor", "Admin", "Auditor", "DataProtection")


class Asking:
    """Somebody who asks."""

    def __init__(self, of: Organisation, token: str) -> None:
        self._house, self._headers = of.house, {"Authorization": f"Bearer {token}"}

    async def ask(self, method: str, path: str, *, key: str = "", **more: Any) -> httpx.Response:
        headers = {**self._headers, **({"Idempotency-Key": key} if key else {})}
        return await self._house.http.request(method, f"{self._house.url}{PREFIX}{path}", headers=headers, **more)

    async def order(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """What an order comes to, however long that takes."""
        answer = await self.ask(method, path, **more)
        told: dict[str, Any] = answer.json()
        if answer.status_code == 409:
            return {"progress": "refused", "reason": told["reason"]}
        assert answer.status_code in (200, 202), answer.text

        async def look() -> dict[str, Any] | None:
            found: dict[str, Any] = await self.get(f"/orders/{told['id']}")
            return None if found["progress"] == "in_progress" else found

        return told if answer.status_code == 200 else await until(look) or {}

    async def get(self, path: str, **params: Any) -> Any:
        """What a read gives."""
        answer = await self.ask("GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()


def person(who: Person, *roles: str) -> Asking:
    """An agent, signed in through Teams, with these app roles."""
    of = who.organisation
    return Asking(of, of.house.parts.entra.user_token(of.tenant, who.seat.agent, roles))


def program(of: Organisation, *roles: str) -> Asking:
    """A program of the organisation."""
    return Asking(of, of.house.parts.entra.program_token(of.tenant, roles))
