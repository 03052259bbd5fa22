"""Requests of a mapping to one CRM: signed in, within its limits, each answer read for what it means."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

import httpx

from cordpair.connectors.rest.answers import Answer, Meaning, SignedOut
from cordpair.connectors.rest.hosts import Hosts
from cordpair.connectors.rest.mapping import Mapping as MappingFile
from cordpair.connectors.rest.mapping import Request
from cordpair.connectors.rest.sign_in import Pass, SignIn
from cordpair.connectors.rest.templates import Context, as_text, rendered, rendered_texts, template
from cordpair.connectors.rest.wire import Wire
from cordpair.errors import PermanentFailure, Rejected, Throttled


class Client:
    """Sends requests of one mapping with its settings."""

    def __init__(
        self,
        mapping: MappingFile,
        settings: Mapping[str, str],
        *,
        base_url: str,
        hosts: Hosts,
        sign_in: SignIn,
        wire: Wire,
        meaning: Meaning,
        now: Callable[[], datetime],
    ) -> None:
        self._mapping, self._base_url, self._hosts = mapping, base_url, hosts
        self._sign_in, self._wire, self._now = sign_in, wire, now
        self.meaning = meaning
        self._free = mapping.limits.burst  #: requests that may go at once
        self._free_at = now()
        self.context: Context = {"settings": dict(settings)}

    async def read(self, request: Request, context: Context) -> Answer:
        """Ask. Raises TemporaryFailure and PermanentFailure."""
        return await self._answer(request, context, "", writing=False, sent=_texts(context))

    async def read_at(self, url: str, request: Request, context: Context) -> Answer:
        """Ask for an address that an answer named, with the headers of `request`."""
        return await self._answer(request, context, url, writing=False, sent=())

    async def write(self, request: Request, context: Context) -> Answer:
        """Change something. Raises UnknownOutcome too."""
        return await self._answer(request, context, "", writing=True, sent=_texts(context))

    async def _answer(
        self, request: Request, context: Context, url: str, *, writing: bool, sent: Iterable[str]
    ) -> Answer:
        known = await self._sign_in.good()
        try:
            return await self._once(request, context, url, known, writing=writing, sent=sent)
        except SignedOut:  # a key that never ends is tried once more: services err when they restart
            pass
        known = await self._sign_in.good(instead_of=known)
        try:
            return await self._once(request, context, url, known, writing=writing, sent=sent)
        except SignedOut as exc:
            raise self._locked_out() from exc

    def _take(self) -> None:
        """Takes one request out of what a second holds. Raises Throttled when there is none left; nothing was sent."""
        limits, now = self._mapping.limits, self._now()
        if not limits.per_s:
            return
        passed = max((now - self._free_at) / timedelta(seconds=1), 0.0)
        self._free, self._free_at = min(limits.burst, self._free + passed * limits.per_s), now
        if self._free < 1:
            raise Throttled(f"{self._mapping.title} is asked less often", retry_after_s=(1 - self._free) / limits.per_s)
        self._free -= 1

    def _locked_out(self) -> PermanentFailure:
        return PermanentFailure(f"{self._mapping.title} does not let our user in (401)", status=401)

    async def _once(
        self, request: Request, context: Context, url: str, known: Pass, *, writing: bool, sent: Iterable[str]
    ) -> Answer:
        self._take()
        values = {**self.context, **context}
        content: dict[str, object] = {}
        if request.json is not None:
            content["json"] = rendered(request.json, values)
        elif request.form:
            content["data"] = rendered_texts(request.form, values)
        query = {**rendered_texts(request.query, values), **known.query}
        headers = rendered_texts(self._mapping.headers | request.headers, values)
        try:
            response = await self._wire.send(
                request.method,
                self._address(url, request, values, known, query),
                timeout_s=request.timeout_s or self._mapping.limits.timeout_s,
                headers={"Accept": "application/json", **headers, **known.headers},
                **content,
            )
        except httpx.HTTPError as exc:
            raise self.meaning.no_answer(exc, writing=writing) from exc
        return self.meaning.read(response, writing=writing, sent=sent, now=self._now())

    def _address(self, url: str, request: Request, values: Context, known: Pass, query: Mapping[str, str]) -> httpx.URL:
        base = known.base_url or self._base_url
        try:
            if url:
                return self._hosts.allowed(str(httpx.URL(f"{base}/").join(url)))
            path = template(request.path).text(values, in_path=True).lstrip("/")
            found = self._hosts.allowed(f"{base}/{path}" if path else base)
        except Rejected as exc:
            raise PermanentFailure(str(exc)) from exc
        return found.copy_merge_params(dict(query)) if query else found


def _texts(context: Context) -> list[str]:
    """All texts among the values of a request that may be personal: not which kind of party it is about."""
    found: list[str] = []
    for name, value in context.items():
        match value:
            case str() | int() | float() if name != "kind":
                found.append(as_text(value))
            case dict():
                found += _texts(value)
    return found
