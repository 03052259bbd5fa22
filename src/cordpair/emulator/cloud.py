"""What all parts of the emulated cloud share."""

import random
import zlib
from dataclasses import dataclass, field

import httpx

from cordpair.emulator.clock import Clock
from cordpair.emulator.journal import Journal
from cordpair.emulator.keys import SigningKey, signing_key
from cordpair.emulator.world import Tenant, World


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
    bot_key: SigningKey = field(default_factory=lambda: signing_key("botframework", ("msteams", "webchat")))

    def __post_init__(self) -> None:
        self.entra_keys = {tenant.id: signing_key(tenant.id) for tenant in self.world.tenants}

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
