"""A voice for tests in which nothing needs to be said."""

from collections.abc import Sequence

from cordpair.core.flow import Say
from cordpair.core.ids import TenantId
from cordpair.engine.sounds import Sound


class Silence:
    """Has a sound for nothing."""

    async def ready(self, tenant: TenantId, say: Sequence[Say], language: str, fill_s: float = 0.0) -> Sound | None:
        return None
