"""Carries out what is to be said to a caller."""

from collections.abc import Sequence
from typing import Protocol

from cordpair.connectors.kit import Calls
from cordpair.connectors.teams.chimes import CHIMES
from cordpair.connectors.teams.heard import AWAITED
from cordpair.core import effects as o
from cordpair.core import events as e
from cordpair.core.flow import Say
from cordpair.core.ids import TenantId
from cordpair.engine.clock import Clock
from cordpair.engine.sounds import Sound


class MakesSounds(Protocol):
    """Makes one sound of all that is to be said; None where there is nothing for it."""

    async def ready(self, tenant: TenantId, say: Sequence[Say], language: str, fill_s: float = 0.0) -> Sound | None: ...


class Speaker:
    """Says things in the calls of one tenant."""

    def __init__(self, tenant: TenantId, calls: Calls, sounds: MakesSounds, clock: Clock) -> None:
        self._tenant, self._calls, self._sounds, self._clock = tenant, calls, sounds, clock

    async def play(self, order: o.PlayPrompt) -> Sequence[e.AnyEvent]:
        """Play it. Whoever waits for its end learns that it begins, or that there is nothing to be heard."""
        if not order.say and order.prompt in CHIMES:
            # Graph has fetched it by this name when the call was answered.
            await self._calls.play(order.graph_id, order.prompt, f"prompt-{order.number}")
            return []
        say = order.say or (Say(prompt=order.prompt),)
        sound = await self._sounds.ready(self._tenant, say, order.language, order.fill_s)
        if order.cuts:
            await self._calls.stop_prompts(order.graph_id)
        if sound is None:
            return [e.PromptEnded(at=self._clock.now(), call=order.call, number=order.number)] if order.say else []
        context = f"{AWAITED}{order.number}" if order.say else f"prompt-{order.number}"
        await self._calls.play(order.graph_id, sound.name, context)
        if not order.say:
            return []
        return [e.PromptBegun(at=self._clock.now(), call=order.call, number=order.number, seconds=sound.seconds)]
