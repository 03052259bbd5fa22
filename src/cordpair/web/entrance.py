"""All doors of a node: webhooks, the bot, the API, orders of other systems, pages and sounds."""

from collections.abc import Callable, Mapping

import httpx
import msgspec
from fastapi import FastAPI
from starlette.routing import BaseRoute, Route

from cordpair import __version__
from cordpair.connectors.kit import Crm
from cordpair.connectors.teams.bot import BotEndpoint
from cordpair.connectors.teams.change_tokens import ChangeTokens
from cordpair.connectors.teams.guard import Guard, ReplayWindow
from cordpair.connectors.teams.inbound import BotTokens
from cordpair.connectors.teams.keys import SigningKeys
from cordpair.core.ids import TenantId
from cordpair.engine.away import SendsOn
from cordpair.engine.clock import Clock
from cordpair.engine.commands import Commands
from cordpair.engine.desk import AgentDesk
from cordpair.engine.hook_commands import HookCommands
from cordpair.engine.parts import Workshop
from cordpair.engine.traces.incoming import IncomingTraces
from cordpair.settings import Settings
from cordpair.store.doors import Store
from cordpair.telemetry import Metrics
from cordpair.web.api import api_route
from cordpair.web.floor import floor_routes
from cordpair.web.floor_source import StoreFloor
from cordpair.web.health import health_routes
from cordpair.web.hook_commands import hook_route
from cordpair.web.pages import SecureHeaders
from cordpair.web.sign_in import SignIn
from cordpair.web.webhooks import Webhooks


class Inside(msgspec.Struct, frozen=True, kw_only=True):
    """What stands behind the doors. `new_key` names a command; `tenants` counts those that this node writes for."""

    settings: Settings
    store: Store
    http: httpx.AsyncClient
    clock: Clock
    wall: Clock
    metrics: Metrics
    workshop: Workshop
    commands: Commands
    floor: StoreFloor
    link_key: bytes
    new_key: Callable[[], str]
    tenants: Callable[[], int]
    traces: IncomingTraces | None


class Entrance:
    """`app` takes everything but the `webhooks`; the `bot` stands in it, and is loaded late."""

    def __init__(self, inside: Inside, sounds: BaseRoute) -> None:
        self._inside = inside
        settings = inside.settings
        keys = SigningKeys(inside.http, settings.bot_openid_url)
        tokens = BotTokens(keys, issuer=settings.bot_issuer, now=inside.wall.now)
        self.bot = self._bot(tokens)
        self.app = FastAPI(title="cordpair", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
        self.app.add_middleware(SecureHeaders, public_url=settings.public_url)
        bot = Route("/bot/{registration}", self.bot.handle, methods=["POST"])
        self.app.router.routes.extend([bot, sounds, *self._pages(), self._orders(), self._api()])
        headers = SecureHeaders(self.app, public_url=settings.public_url).headers
        self.webhooks = self._webhooks(tokens, headers)

    def _pages(self) -> list[BaseRoute]:
        inside = self._inside
        floor = floor_routes(
            inside.floor, key=inside.link_key, clock=inside.clock.now, public_url=inside.settings.public_url
        )
        return [*health_routes(inside.store, inside.tenants), *floor]

    def _orders(self) -> Route:
        """Signed orders of other systems."""
        inside = self._inside
        hooks = HookCommands(inside.store, inside.commands, inside.clock, self._crm_of)
        return hook_route(hooks, inside.settings.body_limit_bytes)

    async def _crm_of(self, tenant: TenantId) -> Crm | None:
        return (await self._inside.workshop.of(tenant)).crm

    def _api(self) -> BaseRoute:
        inside = self._inside
        login, setup_of = inside.settings.login_url, inside.workshop.setup_of
        sign_in = SignIn(inside.http, login, setup_of=setup_of, now=inside.wall.now)
        return api_route(
            inside.store, inside.commands, inside.clock, inside.floor, sign_in, inside.metrics, inside.new_key
        )

    def _webhooks(self, tokens: BotTokens, headers: Mapping[str, str]) -> Webhooks:
        inside = self._inside
        keys = SigningKeys(inside.http, f"{inside.settings.login_url}/common/discovery/v2.0/keys", is_jwks=True)
        return Webhooks(
            inside.store,
            find=inside.workshop.registration,
            tokens=tokens,
            change_tokens=ChangeTokens(keys, now=inside.wall.now),
            away=SendsOn(inside.workshop),
            now=inside.clock.now,
            metrics=inside.metrics,
            body_limit=inside.settings.body_limit_bytes,
            headers=headers,
            traces=inside.traces,
        )

    def _bot(self, tokens: BotTokens) -> BotEndpoint:
        inside, settings = self._inside, self._inside.settings
        refused = inside.metrics.inbox_refused
        guard = Guard(
            tokens,
            hosts=settings.service_url_hosts,
            replays=ReplayWindow(),
            refused=lambda reason: refused.labels(reason=reason).inc(),
        )
        return BotEndpoint(
            desk=AgentDesk(inside.store, inside.commands, inside.clock, inside.new_key),
            find=inside.workshop.registration,
            chat=inside.workshop.chat,
            guard=guard,
            tokens=tokens,
            login_url=settings.login_url,
            openid_url=settings.bot_openid_url,
            issuer=settings.bot_issuer,
            body_limit=settings.body_limit_bytes,
        )
