"""What privileged people do during a run: set organisations up, make links to the floor page, open them."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx

from cordpair.app import derived_key
from cordpair.core.audit import Actor
from cordpair.core.tenant import TenantSetup
from cordpair.emulator.parts import Parts
from cordpair.engine.privileged import apply_setup, note_link_made
from cordpair.errors import CordpairError
from cordpair.store.doors import Store
from cordpair.web.floor_access import floor_link, link_id
from tests.databases import OPERATOR_KEY

WHO = Actor("operator:1000")
_EVERY_S = 3.0  # real


class Office:
    """`deeds` is what was done: tenant, action, target, and whether it is `sure` that it was carried out."""

    def __init__(self, parts: Parts, store: Store) -> None:
        self._parts, self._store = parts, store
        self.deeds: list[dict[str, Any]] = []

    async def set_up(self, setup: TenantSetup) -> None:
        await apply_setup(self._store, setup, by=WHO, now=self._parts.cloud.clock.now())
        self._did(setup, "setup.applied", setup.id)
        self._did(setup, "secret.changed", f"registration:{setup.registration.id}")
        if setup.crm is not None:
            self._did(setup, "secret.changed", f"crm:{setup.crm.connector}")

    async def look_in(self, setups: list[TenantSetup]) -> None:
        """Every few seconds somebody makes a link and opens the floor page by it, through whichever node."""
        async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
            while True:
                for setup in setups:
                    await asyncio.sleep(_EVERY_S)
                    await self._by_a_link(http, setup)

    async def _by_a_link(self, http: httpx.AsyncClient, setup: TenantSetup) -> None:
        now, valid, url = self._parts.cloud.clock.now(), timedelta(hours=1), self._parts.cloud.product_url
        link = floor_link(derived_key(OPERATOR_KEY, "links"), setup.id, public_url=url, now=now, valid=valid)
        target = f"link:{link_id(link)}"
        made = self._did(setup, "floor_link.made", target, sure=False)
        try:
            await note_link_made(self._store, setup.id, link_id(link), by=WHO, now=now, until=now + valid)
        except CordpairError:
            return
        made["sure"] = True
        opened = self._did(setup, "floor_link.opened", target, sure=False)
        try:
            opened["sure"] = (await http.get(link)).is_redirect
        except httpx.HTTPError:
            return

    def _did(self, setup: TenantSetup, action: str, target: str, *, sure: bool = True) -> dict[str, Any]:
        self.deeds.append({"tenant": setup.id, "action": action, "target": target, "sure": sure})
        return self.deeds[-1]
