"""Client-credential tokens of one app registration, by msal, cached and shared by all requests."""

import asyncio
import json
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

import httpx
import msal
import msgspec

from cordpair.connectors.kit import with_reason
from cordpair.core.tenant import Registration
from cordpair.errors import CordpairError, PermanentFailure, TemporaryFailure

GRAPH_SCOPE = "https://graph.microsoft.com/.default"
BOT_SCOPE = "https://api.botframework.com/.default"

_PUBLIC_LOGIN = "https://login.microsoftonline.com"
_RENEW_BEFORE_S = 300.0  #: a token is not used in its last five minutes
_RETRY_S = 30.0
_TIMEOUT_S = 10.0
_ANSWER_LIMIT = 1_000_000  #: bytes of an answer that are read
_OF_THE_WAY = (b"content-encoding", b"content-length", b"transfer-encoding")
#: Answers of Entra that no repetition changes: wrong secret, unknown app, unknown tenant, missing consent.
_FINAL = frozenset({"invalid_client", "unauthorized_client", "invalid_request", "invalid_scope", "invalid_grant"})


class _Held(msgspec.Struct, frozen=True, kw_only=True):
    """A token, when to ask for the next and when it ends (seconds of the clock)."""

    token: str
    renew_at: float
    ends_at: float


class AppTokens:
    """Tokens of one registration. Raises PermanentFailure when Entra refuses it, TemporaryFailure when it is away."""

    def __init__(self, registration: Registration, *, login_url: str, clock: Callable[[], float] = monotonic) -> None:
        self._registration = registration
        self._http = _LoginHttp(login_url)
        self._clock = clock
        self._held: dict[str, _Held] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._app: msal.ConfidentialClientApplication | None = None

    async def token(self, scope: str = GRAPH_SCOPE, *, instead_of: str = "") -> str:
        """A bearer token for `scope`. `instead_of` is one that was refused: it is not handed out again."""
        held = self._held.get(scope)
        if held is None or held.token == instead_of or self._clock() >= held.renew_at:
            async with self._locks.setdefault(scope, asyncio.Lock()):
                held = self._held.get(scope)
                if held is None or held.token == instead_of or self._clock() >= held.renew_at:
                    held = self._held[scope] = await self._renewed(scope, held, refused=instead_of)
        return held.token

    async def _renewed(self, scope: str, held: "_Held | None", *, refused: str) -> "_Held":
        forget = bool(refused) and held is not None and held.token == refused
        try:
            answer = await asyncio.to_thread(self._acquire, scope, forget=forget)
        except TemporaryFailure:
            if held is None or forget or self._clock() >= held.ends_at:
                raise
            # Entra is away: the old token is good for some minutes, and is not asked about again at once.
            return msgspec.structs.replace(held, renew_at=self._clock() + _RETRY_S)
        life_s = float(answer.get("expires_in") or 0.0)
        ends_at = self._clock() + life_s
        renew_at = ends_at - min(_RENEW_BEFORE_S, life_s / 2)
        return _Held(token=str(answer["access_token"]), renew_at=renew_at, ends_at=ends_at)

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()

    def _acquire(self, scope: str, *, forget: bool) -> dict[str, Any]:
        try:
            app = self._application()
            if forget:
                app.remove_tokens_for_client()
            answer: dict[str, Any] = app.acquire_token_for_client([scope])
        except CordpairError:
            raise
        except ValueError as exc:  # msal: the tenant has no OpenID configuration
            raise PermanentFailure("Entra does not know the tenant of the app registration", status=400) from exc
        except Exception as exc:
            raise TemporaryFailure("Entra gave no usable answer") from exc
        if "access_token" in answer:
            return answer
        raise _refusal(answer)

    def _application(self) -> msal.ConfidentialClientApplication:
        if self._app is None:
            self._app = msal.ConfidentialClientApplication(
                self._registration.client_id,
                client_credential=self._registration.client_secret,
                authority=f"{self._http.authority}/{self._registration.tenant}",
                instance_discovery=False,
                http_client=self._http,
            )
        return self._app


def _refusal(answer: Mapping[str, Any]) -> CordpairError:
    error = str(answer.get("error", "unknown"))[:64]
    codes = answer.get("error_codes") or []
    what = f"Entra refuses the app registration: {error} {' '.join(str(code) for code in codes)}".strip()
    return PermanentFailure(what, status=401) if error in _FINAL else TemporaryFailure(what)


class _LoginHttp:
    """The HTTP client that msal is given.

    msal insists on https authorities. Where Entra is emulated over plain http, msal is told the public
    host, and this client turns it into the configured one and back.
    """

    def __init__(self, login_url: str) -> None:
        self._real = login_url
        self.authority = login_url if login_url.startswith("https://") else _PUBLIC_LOGIN
        self._client = httpx.Client(timeout=_TIMEOUT_S)

    def get(self, url: str, params: Any = None, headers: Any = None, **_: Any) -> "_LoginAnswer":
        return self._send("GET", url, params=params, headers=headers)

    def post(self, url: str, params: Any = None, data: Any = None, headers: Any = None, **_: Any) -> "_LoginAnswer":
        return self._send("POST", url, params=params, data=data, headers=headers)

    def close(self) -> None:
        self._client.close()

    def _send(self, method: str, url: str, **rest: Any) -> "_LoginAnswer":
        target = self._real + url.removeprefix(self.authority) if url.startswith(self.authority) else url
        try:
            answer = self._whole(method, target, **rest)
        except httpx.HTTPError as exc:
            raise TemporaryFailure(with_reason("Entra does not answer", exc)) from exc
        if answer.status_code == 429 or answer.status_code >= 500:
            raise TemporaryFailure(f"Entra answers {answer.status_code}")
        text = answer.text.replace(self._real, self.authority)
        _must_be_json(text)
        return _LoginAnswer(answer.status_code, text, dict(answer.headers))

    def _whole(self, method: str, url: str, **rest: Any) -> httpx.Response:
        """The answer, within the time for all of it: the client's own time-out is for each piece alone."""
        give_up_at, body = monotonic() + _TIMEOUT_S, bytearray()
        with self._client.stream(method, url, **rest) as answer:
            for piece in answer.iter_bytes():
                body += piece
                if monotonic() > give_up_at or len(body) > _ANSWER_LIMIT:
                    raise TemporaryFailure("Entra does not finish its answer")
        return httpx.Response(answer.status_code, headers=_of_the_text(answer.headers), content=bytes(body))


def _of_the_text(headers: httpx.Headers) -> list[tuple[bytes, bytes]]:
    """Without what was true of the body only as it travelled."""
    return [(name, value) for name, value in headers.raw if name.lower() not in _OF_THE_WAY]


def _must_be_json(text: str) -> None:
    try:
        json.loads(text)
    except ValueError as exc:
        raise TemporaryFailure("Entra answers something that is not JSON") from exc


class _LoginAnswer:
    """What msal reads of an HTTP answer."""

    def __init__(self, status_code: int, text: str, headers: dict[str, str]) -> None:
        self.status_code = status_code
        self.text = text
        self.headers = headers

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise PermanentFailure(f"Entra answers {self.status_code}", status=self.status_code)
