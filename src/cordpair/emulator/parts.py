"""All parts of one emulated cloud, put together."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx

from cordpair.emulator.botframework import Signer
from cordpair.emulator.callers import Callers
from cordpair.emulator.chat import Chats
from cordpair.emulator.clock import Clock
from cordpair.emulator.cloud import Cloud
from cordpair.emulator.connector import Connector
from cordpair.emulator.delivery import Delivery
from cordpair.emulator.entra import Entra
from cordpair.emulator.everybody import Everybody
from cordpair.emulator.exchange import Exchange
from cordpair.emulator.floor import Floor
from cordpair.emulator.graph.app import Graph
from cordpair.emulator.graph.calls import CallOperations
from cordpair.emulator.graph.presence import Presences
from cordpair.emulator.graph.subscriptions import Subscriptions
from cordpair.emulator.graph.users import Directory
from cordpair.emulator.imis import imis_app
from cordpair.emulator.journal import Journal
from cordpair.emulator.members import members
from cordpair.emulator.outside import Outside
from cordpair.emulator.world import Tenant, World, demo_world

_REAL_TIMEOUT_S = 15.0


class Parts:
    """One emulated cloud. Built inside a running event loop; `close` it."""

    def __init__(
        self,
        *,
        seed: int = 7,
        rate: float = 1.0,
        journal: Path | None = None,
        members_count: int = 10_000,
        world: World | None = None,
    ) -> None:
        clock = Clock(rate)
        # The client looks at every kept connection before each request: few are faster than many.
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=20)
        http = httpx.AsyncClient(timeout=_REAL_TIMEOUT_S, limits=limits, trust_env=False)
        self.cloud = Cloud(seed, world or demo_world(seed, members_count), clock, Journal(clock, journal), http)
        self.members = {t.id: members(t.member_seed, t.member_count, t.region) for t in self.cloud.world.tenants}
        self.imis = {t.id: imis_app(t.imis, self.members[t.id], clock, t.time_zone) for t in self.cloud.world.tenants}
        self.signer = Signer(self.cloud)
        self.entra = Entra(self.cloud)
        self.chats = Chats(self.cloud, self.signer)
        self.subscriptions = Subscriptions(self.cloud, self.entra)
        self.presences = Presences(self.cloud, self.subscriptions)
        self.floor = Floor(self.cloud, self.chats, self.presences)
        everybody = Everybody(self.floor)
        switchboards = {tenant: app.state.imis.store.switchboards for tenant, app in self.imis.items()}
        self.delivery = Delivery(self.cloud, self.signer)
        self.exchange = Exchange(self.cloud, self.delivery, everybody)
        self.floor.exchange = self.exchange
        self.callers = everybody.callers = Callers(self.cloud, self.exchange, self.members, switchboards)
        self.outside = everybody.outside = Outside(self.cloud, self.exchange)
        self.connector = Connector(self.cloud, self.chats)
        self.graph = Graph(
            self.cloud,
            {
                **CallOperations(self.cloud, self.exchange).handlers(),
                **self.presences.handlers(),
                **self.subscriptions.handlers(),
                **Directory(self.cloud, self.chats.installed).handlers(),
            },
        )

    async def close(self) -> None:
        await self.cloud.clock.close()
        await self.cloud.http.aclose()
        self.cloud.journal.close()

    def described(self) -> dict[str, Any]:
        """Everything that setting up the product for this world needs."""
        url = self.cloud.url
        return {
            "graph_url": f"{url}/graph/v1.0",
            "login_url": f"{url}/login",
            "bot_openid_url": f"{url}/botframework/v1/.well-known/openidconfiguration",
            "seed": self.cloud.seed,
            "clock": {"rate": self.cloud.clock.rate, "start": self.cloud.clock.start.isoformat()},
            "tenants": [self._described(tenant) for tenant in self.cloud.world.tenants],
        }

    def _described(self, tenant: Tenant) -> dict[str, Any]:
        written = asdict(tenant)
        username, password = next(iter(self.imis[tenant.id].state.imis.tokens.users.items()))
        for hidden in ("imis", "member_seed", "member_count"):
            del written[hidden]
        return {
            **written,
            "service_url": self.cloud.service_url(tenant),
            "members": tenant.member_count,
            "imis": {
                "base_url": f"{self.cloud.url}/imis/{tenant.imis}",
                "time_zone": tenant.time_zone,
                "username": username,
                "password": password,
            },
        }
