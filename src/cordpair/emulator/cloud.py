"""What all parts of the emulated cloud share."""

import random
import zlib
from dataclasses import dataclass, field

import httpx

from cordpair.emulator.clock import Clock
from cordpair.emulator.journal import Journal
from cordpair.emulator.keys import SigningKey, signing_key
from cordpair.emulator.world import Tenant, World

_BOT = "botframework"


@dataclass
class Cloud:
    """One emulated Microsoft cloud.

    `url` is where it listens itself, `product_url` where the product does (empty until it was said).
    """

    seed: int
    world: World
    clock: Clock
    journal: Journal
    http: httpx.AsyncClient
    url: str = ""
    product_url: str = ""
    entra_keys: dict[str, SigningKey] = field(default_factory=dict)
    bot_key: SigningKey = field(default_factory=lambda: signing_key(_BOT, ("msteams", "webchat")))
    former_keys: dict[str, list[SigningKey]] = field(default_factory=dict)  #: by issuer, oldest first
    withdrawn: int = 0  #: how often keys were taken back
    ended_tokens: set[str] = field(default_factory=set)  #: `uti` of tokens that ended before they should

    def __post_init__(self) -> None:
        self.entra_keys = {tenant.id: signing_key(tenant.id) for tenant in self.world.tenants}

    def roll_keys(self, tenant: Tenant | None, *, withdrawn: bool) -> SigningKey:
        """Another signing key from now on: Entra's of an organisation, or the Bot Framework's (None).

        The former ones are published, and hold, beside it; `withdrawn`: not any more.
        """
        name, endorsements = (tenant.id, ()) if tenant else (_BOT, self.bot_key.endorsements)
        former, new = self.entra_keys[tenant.id] if tenant else self.bot_key, SigningKey(endorsements)
        self.former_keys[name] = [] if withdrawn else [*self.former_keys.get(name, []), former]
        self.withdrawn += withdrawn
        if tenant:
            self.entra_keys[tenant.id] = new
        else:
            self.bot_key = new
        self.journal.note("signing key rolled over", issuer=name, withdrawn=withdrawn)
        return new

    def published(self, tenant: Tenant | None) -> list[SigningKey]:
        """The keys of an organisation at Entra, or those of the Bot Framework (None)."""
        if tenant is None:
            return [*self.former_keys.get(_BOT, []), self.bot_key]
        return [*self.former_keys.get(tenant.id, []), self.entra_keys[tenant.id]]

    def random(self, name: str) -> random.Random:
        """Chance of its own for everybody, so that one person's dice do not move another's."""
        return random.Random(zlib.crc32(f"{self.seed}/{name}".encode()))

    def service_url(self, tenant: Tenant) -> str:
        """Where the Bot connector of an organisation is reached."""
        return f"{self.url}/connector/{tenant.id}/"

    def calling_webhook(self, tenant: Tenant) -> str:
        return f"{self.product_url}/graph/{tenant.registration.id}/calls"

    def messaging_endpoint(self, tenant: Tenant) -> str:
        return f"{self.product_url}/bot/{tenant.registration.id}"
