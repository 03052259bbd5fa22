"""How a connector signs in: one token for all requests, a new one when it runs out or was refused."""

import asyncio
import base64
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import httpx
import msgspec

from cordpair.connectors.rest.answers import Answer, Meaning, SignedOut
from cordpair.connectors.rest.hosts import Hosts
from cordpair.connectors.rest.mapping import Auth, BasicAuth, HeaderAuth, LoginAuth, OAuth
from cordpair.connectors.rest.templates import Context, expression, rendered, rendered_texts, template
from cordpair.connectors.rest.wire import Wire
from cordpair.errors import PermanentFailure, TemporaryFailure

_EARLY = timedelta(seconds=60)


class Pass(msgspec.Struct, frozen=True):
    """What goes with each request. `base_url` is empty unless signing in told it."""

    headers: Mapping[str, str]
    query: Mapping[str, str] = {}
    good_until: datetime | None = None
    base_url: str = ""


class SignIn:
    """Gives out the common pass of one connector."""

    def __init__(
        self,
        auth: Auth,
        context: Context,
        *,
        title: str,
        base_url: str,
        hosts: Hosts,
        wire: Wire,
        meaning: Meaning,
        timeout_s: float,
        now: Callable[[], datetime],
    ) -> None:
        self._auth, self._context, self._title, self._base_url = auth, context, title, base_url
        self._hosts, self._wire, self._meaning, self._timeout_s, self._now = hosts, wire, meaning, timeout_s, now
        self._pass: Pass | None = None
        self._one = asyncio.Lock()
        self._refresh_token = ""

    async def good(self, instead_of: Pass | None = None) -> Pass:
        """The common pass, or a new one when it runs out or is the one that was refused."""
        async with self._one:
            known = self._pass
            if known is None or known is instead_of or (known.good_until and self._now() >= known.good_until):
                try:
                    self._pass = known = await self._new()
                except SignedOut as exc:
                    raise PermanentFailure(f"{self._title} refused the sign-in", status=401) from exc
            return known

    async def _new(self) -> Pass:
        match self._auth:
            case HeaderAuth(headers=headers, query=query):
                return Pass(rendered_texts(headers, self._context), rendered_texts(query, self._context))
            case BasicAuth(username=username, password=password):
                return Pass({"Authorization": _basic(self._text(username), self._text(password))})
            case OAuth():
                return await self._token(self._auth)
            case LoginAuth():
                return await self._session(self._auth)

    async def _token(self, auth: OAuth) -> Pass:
        form = {"grant_type": auth.grant} | rendered_texts(auth.form, self._context)
        for field in ("username", "password", "refresh_token", "scope"):
            if value := self._text(getattr(auth, field)):
                form[field] = value
        if auth.grant == "refresh_token" and self._refresh_token:
            form["refresh_token"] = self._refresh_token
        client, secret, headers = self._text(auth.client_id), self._text(auth.client_secret), {}
        if auth.credentials == "basic":
            headers["Authorization"] = _basic(client, secret)
        else:
            form |= {name: value for name, value in (("client_id", client), ("client_secret", secret)) if value}
        response = await self._ask("POST", self._text(auth.token_url), headers, data=form)
        if response.status_code in (400, 401, 403):
            raise PermanentFailure(self._refused(response), status=response.status_code)
        return self._read_token(auth, self._read(response))

    def _read_token(self, auth: OAuth, answer: Answer) -> Pass:
        body = answer.body if isinstance(answer.body, dict) else {}
        token, following = body.get("access_token"), body.get("refresh_token")
        if not isinstance(token, str) or not token:
            raise TemporaryFailure(f"{self._title} answered the sign-in without a token")
        self._refresh_token = following if isinstance(following, str) else self._refresh_token
        self._wire.hidden = {token, self._refresh_token} - {""}
        told = expression(auth.base_url).read(answer.values) if auth.base_url else None
        base_url = str(self._hosts.allowed(str(told))).rstrip("/") if told else ""
        headers = {"Authorization": f"Bearer {token}"}
        return Pass(headers, good_until=self._until(body.get("expires_in"), auth.lives_s), base_url=base_url)

    async def _session(self, auth: LoginAuth) -> Pass:
        request, context = auth.request, self._context
        content: dict[str, object] = {}
        if request.json is not None:
            content["json"] = rendered(request.json, context)
        elif request.form:
            content["data"] = rendered_texts(request.form, context)
        url = f"{self._base_url}/{template(request.path).text(context, in_path=True).lstrip('/')}"
        answer = self._read(await self._ask(request.method, url, rendered_texts(request.headers, context), **content))
        session = expression(auth.session).read({**context, **answer.values})
        if session in (None, "", []):
            raise PermanentFailure(f"{self._title} refused the sign-in", status=401)
        headers = rendered_texts(auth.headers, {**context, "session": session})
        self._wire.hidden = set(headers.values())
        return Pass(headers, good_until=self._until(None, auth.lives_s))

    async def _ask(self, method: str, url: str, headers: Mapping[str, str], **content: object) -> httpx.Response:
        try:
            allowed = self._hosts.allowed(url)
            return await self._wire.send(method, allowed, timeout_s=self._timeout_s, headers=dict(headers), **content)
        except httpx.HTTPError as exc:
            raise self._meaning.no_answer(exc, writing=False) from exc

    def _read(self, response: httpx.Response) -> Answer:
        return self._meaning.read(response, writing=False, sent=(), now=self._now())

    def _refused(self, response: httpx.Response) -> str:
        """The error code of RFC 6749. Its description may name the user and is left out."""
        try:
            code = msgspec.json.decode(response.content)["error"]
        except (msgspec.DecodeError, KeyError, TypeError):
            code = None
        return f"{self._title} refused the sign-in" + (f": {code[:60]}" if isinstance(code, str) else "")

    def _until(self, expires_in: object, lives_s: float) -> datetime:
        """Until when a token counts: what is said, within reason, and a little less."""
        try:
            seconds = float(str(expires_in))
        except ValueError:
            seconds = lives_s
        life = timedelta(seconds=min(max(seconds, 0.0), 86_400.0))
        return self._now() + max(life - _EARLY, life / 2)

    def _text(self, text: str) -> str:
        return template(text).text(self._context)


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
