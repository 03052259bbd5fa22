"""What a request to the bot must be before the SDK sees it: the checks that the SDK does not make."""

from collections import OrderedDict
from collections.abc import AsyncIterable, Callable, Mapping, Sequence
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import msgspec

from cordpair.connectors.teams.inbound import BotTokens
from cordpair.core.tenant import Registration
from cordpair.errors import Rejected

_CHANNEL = "msteams"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class ReplayWindow:
    """Activity ids seen lately, in memory and bounded. Older than `window_s` means forgotten.

    The window outlives a token (an hour and five minutes of skew), so a captured request cannot be played again.
    """

    def __init__(
        self, *, window_s: float = 70 * 60.0, limit: int = 100_000, clock: Callable[[], float] = monotonic
    ) -> None:
        self._window_s = window_s
        self._limit = limit
        self._clock = clock
        self._seen: OrderedDict[tuple[str, str, str], float] = OrderedDict()

    def first(self, key: tuple[str, str, str]) -> bool:
        """Remember `key`. False when it is known already."""
        now = self._clock()
        while self._seen and (len(self._seen) >= self._limit or now - next(iter(self._seen.values())) > self._window_s):
            self._seen.popitem(last=False)
        if key in self._seen:
            return False
        self._seen[key] = now
        return True

    def forget(self, key: tuple[str, str, str]) -> None:
        """We failed to handle it: the repetition is welcome."""
        self._seen.pop(key, None)


class Guard:
    """Judges one request to the bot endpoint of one registration.

    `hosts` are Settings.service_url_hosts, `refused` counts refusals by a short reason.
    """

    def __init__(
        self,
        tokens: BotTokens,
        *,
        hosts: Sequence[str],
        replays: ReplayWindow,
        refused: Callable[[str], None],
    ) -> None:
        self._tokens = tokens
        self._hosts = tuple(hosts)
        self._replays = replays
        self._refused = refused

    async def check(
        self, found: Registration | None, authorization: str | None, body: bytes
    ) -> tuple[Registration, dict[str, Any]]:
        """The registration and the activity, when it may be handled.

        `found` is None for an address that is nobody's. Raises Rejected (400, 401, 403); then nothing was stored.
        """
        try:
            return await self._check(found, authorization, body)
        except Rejected as exc:
            self._refused(str(exc))
            raise

    async def _check(
        self, found: Registration | None, authorization: str | None, body: bytes
    ) -> tuple[Registration, dict[str, Any]]:
        activity = _object(body)
        service_url = _text(activity, "serviceUrl")
        channel = _text(activity, "channelId")
        # The token comes first: to a stranger every other answer would be a hint.
        registration = await self._tokens.verify_for(found, authorization, service_url=service_url, channel=channel)
        if channel != _CHANNEL:
            raise Rejected("only Microsoft Teams may use this bot", status=403)
        if not host_allowed(service_url, self._hosts):
            raise Rejected("the service address is not one that we answer to", status=403)
        if _tenants(activity) != {registration.tenant}:
            raise Rejected("the activity belongs to another tenant", status=403)
        if not self._replays.first(replay_key(registration, activity)):
            raise Rejected("the activity was received before", status=403)
        return registration, activity

    def forget(self, registration: Registration, activity: Mapping[str, Any]) -> None:
        """The activity could not be handled: a repetition of it is welcome."""
        self._replays.forget(replay_key(registration, activity))


async def read_body(chunks: AsyncIterable[bytes], limit: int) -> bytes:
    """The whole body. Raises Rejected (413) as soon as it is longer than `limit` bytes."""
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > limit:
            raise Rejected(f"the body is longer than {limit} bytes", status=413)
    return bytes(body)


def host_allowed(url: str, hosts: Sequence[str]) -> bool:
    """Whether `url` leads to one of `hosts` (`*.` matches subdomains); plain http only to this machine."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        plain = parts.scheme == "http" and host in _LOOPBACK
    except ValueError:
        return False
    if parts.username is not None or not (parts.scheme == "https" or plain):
        return False
    return any(host == allowed or (allowed[:2] == "*." and host.endswith(allowed[1:])) for allowed in hosts)


def replay_key(registration: Registration, activity: Mapping[str, Any]) -> tuple[str, str, str]:
    """What makes two requests the same activity."""
    return registration.id, str(_mapping(activity.get("conversation")).get("id")), _text(activity, "id")


def _object(body: bytes) -> dict[str, Any]:
    try:
        activity = msgspec.json.decode(body)
    except (ValueError, RecursionError) as exc:  # the latter: nested without end
        raise Rejected("the body is not JSON that can be read") from exc
    if not isinstance(activity, dict):
        raise Rejected("the body is no activity")
    for name in ("type", "id", "serviceUrl", "channelId"):
        if not _text(activity, name):
            raise Rejected(f"the activity has no {name}")
    return activity


def _tenants(activity: Mapping[str, Any]) -> set[str]:
    """Every tenant that the activity names: all of them must agree."""
    named = (
        _mapping(activity.get("conversation")).get("tenantId"),
        _mapping(_mapping(activity.get("channelData")).get("tenant")).get("id"),
        _mapping(activity.get("from")).get("tenantId"),
    )
    return {tenant.lower() for tenant in named if isinstance(tenant, str)}


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    return value if isinstance(value, str) else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
