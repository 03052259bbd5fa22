"""Carries call notifications to the product's calling webhook, in order per call, or with the faults asked for.

A refused notification of the calling webhook is journaled and not repeated: only change notifications are.
"""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from cordpair.emulator.botframework import Signer
from cordpair.emulator.cloud import Cloud
from cordpair.emulator.world import Tenant


@dataclass
class Faults:
    """What goes wrong with call notifications. Probabilities are 0..1, `delay_s` is emulated seconds.

    A notification that is doubled comes `copies` times more.

    `capitalised` writes enum members as the service was also seen to (`Updated`, `Terminated`); `old_prefix` uses
    `/app/calls/...` as resourceUrl.
    """

    lose: float = 0.0
    duplicate: float = 0.0
    copies: int = 1
    reorder: float = 0.0
    delay: float = 0.0
    delay_s: float = 20.0
    capitalised: bool = False
    old_prefix: bool = False
    calls: frozenset[str] = frozenset()

    def touches(self, graph_id: str) -> bool:
        return not self.calls or graph_id in self.calls


class Delivery:
    """One queue per call."""

    def __init__(self, cloud: Cloud, signer: Signer) -> None:
        self._cloud = cloud
        self._signer = signer
        self._lines: dict[str, asyncio.Queue[tuple[float, str, dict[str, Any]] | None]] = {}
        self._dice = cloud.random("delivery")
        self.faults = Faults()

    def send(self, tenant: Tenant, graph_id: str, callback: str, item: dict[str, Any], delay_s: float = 0.1) -> None:
        """Queue one notification item; it leaves `delay_s` emulated seconds from now at the earliest."""
        line = self._lines.get(graph_id)
        if line is None:
            line = self._lines[graph_id] = asyncio.Queue()
            self._cloud.clock.spawn(self._carry(tenant, graph_id, line))
        line.put_nowait((self._cloud.clock.elapsed() + delay_s, callback, item))

    def close_line(self, graph_id: str) -> None:
        """No more notifications of this call: the line ends when it is empty."""
        line = self._lines.pop(graph_id, None)
        if line:
            line.put_nowait(None)

    async def _carry(
        self, tenant: Tenant, graph_id: str, line: asyncio.Queue[tuple[float, str, dict[str, Any]] | None]
    ) -> None:
        held: tuple[str, dict[str, Any]] | None = None
        while True:
            entry = await line.get()
            if entry is None:
                break
            due, callback, item = entry
            await self._cloud.clock.sleep(due - self._cloud.clock.elapsed())
            faults = self.faults if self.faults.touches(graph_id) else _NONE
            item = _dressed(item, faults)
            if self._happens(faults.lose):
                self._cloud.journal.note("notification lost", graph_id=graph_id, item=item)
                continue
            if held is None and self._happens(faults.reorder):
                held = callback, item
                continue
            await self._pass_on(tenant, graph_id, callback, item, faults)
            if held is not None:
                await self._pass_on(tenant, graph_id, *held, faults)
                held = None
        if held is not None:
            await self._pass_on(tenant, graph_id, *held, _NONE)

    async def _pass_on(
        self, tenant: Tenant, graph_id: str, callback: str, item: dict[str, Any], faults: Faults
    ) -> None:
        if self._happens(faults.delay):
            self._cloud.clock.later(
                faults.delay_s, lambda: self._cloud.clock.spawn(self._post(tenant, graph_id, callback, item))
            )
            return
        await self._post(tenant, graph_id, callback, item)
        if self._happens(faults.duplicate):
            for _ in range(faults.copies):
                await self._post(tenant, graph_id, callback, item)

    async def _post(self, tenant: Tenant, graph_id: str, callback: str, item: dict[str, Any]) -> None:
        body = {"@odata.type": "#microsoft.graph.commsNotifications", "value": [item]}
        began = time.monotonic()
        with self._cloud.clock.working():
            status = await post(self._cloud.http, callback, body, self._signer.header(tenant, None))
        self._cloud.journal.note(
            "notification",
            graph_id=graph_id,
            tenant=tenant.id,
            change=item["changeType"],
            resource=item["resourceUrl"],
            data=item["resourceData"],
            status=status,
            took_ms=round((time.monotonic() - began) * 1000, 2),
        )

    def _happens(self, share: float) -> bool:
        return share > 0 and self._dice.random() < share


async def post(http: httpx.AsyncClient, url: str, body: Any, headers: dict[str, str] | None = None) -> int:
    """POST JSON; the status, or 0 when nobody answered."""
    try:
        return (await http.post(url, json=body, headers=headers)).status_code
    except httpx.HTTPError:
        return 0


def jitter(dice: random.Random, low: float, high: float) -> float:
    """A small delay, in emulated seconds."""
    return dice.uniform(low, high)


_NONE = Faults()


def _dressed(item: dict[str, Any], faults: Faults) -> dict[str, Any]:
    changes: list[Callable[[dict[str, Any]], dict[str, Any]]] = []
    if faults.old_prefix:
        changes.append(lambda it: {**it, "resourceUrl": it["resourceUrl"].replace("/communications/", "/app/")})
    if faults.capitalised:
        changes.append(_capitalised)
    for change in changes:
        item = change(item)
    return item


def _capitalised(item: dict[str, Any]) -> dict[str, Any]:
    def upper(word: str) -> str:
        return word[:1].upper() + word[1:]

    data = item["resourceData"]
    if isinstance(data, dict):
        data = {name: upper(value) if name in ("state", "status") else value for name, value in data.items()}
    return {**item, "changeType": upper(item["changeType"]), "resourceData": data}
