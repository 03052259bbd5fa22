"""Examines what lies between Microsoft and us: the clock, the public address, the proxy, how we listen."""

import ipaddress
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from cordpair.engine.clock import Clock
from cordpair.engine.findings import Finding, ok, problem, warning
from cordpair.settings import Settings

CLOCK_WARNED_S = 5.0
CLOCK_WRONG_S = 60.0  #: tokens are refused from here on, or soon after
#: Nobody is there, or the address is none.
NO_ANSWER = (httpx.HTTPError, httpx.InvalidURL)
_PATIENCE_S = 10.0
#: A header that a proxy adds, and one that it takes away: both would keep Teams from showing our pages.
_ADDED, _TAKEN = "x-frame-options", "content-security-policy"


async def examine_clock(http: httpx.AsyncClient, graph_url: str, wall: Clock) -> list[Finding]:
    """Our clock against the Date header of Graph's answer, whatever the answer is."""
    asked_at = wall.now()
    try:
        answer = await http.get(f"{graph_url}/$metadata", timeout=_PATIENCE_S)
        told = parsedate_to_datetime(answer.headers["date"])
    except (*NO_ANSWER, KeyError, ValueError):
        return [warning("clock.unknown", url=graph_url)]
    answered_at = wall.now()
    # The header has whole seconds, and was written some time between asking and answer.
    early, late = (asked_at - told).total_seconds() - 1.0, (answered_at - told).total_seconds()
    off_s = 0.0 if early <= 0.0 <= late else min(abs(early), abs(late))
    seconds = max(round(off_s), 1)
    if off_s >= CLOCK_WRONG_S:
        return [problem("clock.off", seconds=seconds)]
    return [warning("clock.off", seconds=seconds) if off_s >= CLOCK_WARNED_S else ok("clock.ok", seconds=seconds)]


async def examine_public_url(http: httpx.AsyncClient, url: str) -> list[Finding]:
    """Whether the address is one that Microsoft can call, leads to us, and leaves our headers alone."""
    kind = _kind(url)
    try:
        answer = await http.get(f"{url}/health/ready", follow_redirects=False, timeout=_PATIENCE_S)
    except NO_ANSWER:
        return [*kind, problem("public_url.away", url=url)]
    status = _told_status(answer)
    if not status:
        return [*kind, problem("public_url.stranger", url=url, status=answer.status_code)]
    if status != "ready":
        return [*kind, problem("public_url.not_ready", url=url)]
    return [*kind, ok("public_url.ok", url=url), *_headers(answer)]


def _kind(url: str) -> list[Finding]:
    parts = urlsplit(url)
    if parts.scheme == "https":
        return []
    return [
        warning("public_url.loopback", url=url)
        if _is_loopback(parts.hostname)
        else problem("public_url.not_https", url=url)
    ]


def _is_loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _told_status(answer: httpx.Response) -> str:
    """What our own health route says; empty when it was not our route that answered."""
    try:
        told = answer.json()
    except ValueError:
        return ""
    status = told.get("status") if isinstance(told, dict) else None
    if answer.status_code not in (200, 503) or not isinstance(status, str):
        return ""
    return status


def _headers(answer: httpx.Response) -> list[Finding]:
    changed = [_ADDED] if _ADDED in answer.headers else []
    if "frame-ancestors" not in answer.headers.get(_TAKEN, ""):
        changed.append(_TAKEN)
    return [warning("proxy.changed", header=header) for header in changed] or [ok("proxy.ok")]


def examine_listening(settings: Settings) -> list[Finding]:
    """Whether others than this machine reach us in clear, without a proxy that says how it was asked."""
    if settings.tls_certificate or settings.trusted_proxies or _is_loopback(settings.host):
        return []
    return [warning("listening.clear", host=settings.host)]
