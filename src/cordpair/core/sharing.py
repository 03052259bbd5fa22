"""How processes share the organisations: about as many each, decided by every process for itself."""

from collections.abc import Sequence

from cordpair.core.ids import TenantId


def fair_share(tenants: int, nodes: int) -> int:
    """The most tenants that one of `nodes` processes should own."""
    return -(-tenants // max(nodes, 1))


def surplus(mine: Sequence[TenantId], share: int) -> tuple[TenantId, ...]:
    """What an owner of `mine`, in the order in which it got them, gives away: what it got last."""
    return tuple(mine[share:])
