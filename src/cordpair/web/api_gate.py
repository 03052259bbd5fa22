"""The way into the API: who asks, what for, whether they may, how much they send; in this order, before all else.

A request that is refused here has read what the database knows of its organisation and has written nothing.
"""

import contextlib
from collections import deque
from collections.abc import MutableMapping
from typing import Any

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from cordpair.errors import Rejected, TemporaryFailure
from cordpair.telemetry import Metrics
from cordpair.web.api_problems import problem
from cordpair.web.api_roles import Operation, operation_of
from cordpair.web.front import Gone, header, whole_body
from cordpair.web.sign_in import SignedIn, SignIn

log = structlog.get_logger(__name__)

BODY_LIMIT = 65_536  #: bytes; the longest note is a small part of it
_PUBLIC = "/openapi.json"
WHO, WHAT = "cordpair.who", "cordpair.what"  #: in the scope: SignedIn, and the Operation


class Gate:
    """ASGI: lets a request through to `app` with `who` asks in its scope."""

    def __init__(self, app: ASGIApp, sign_in: SignIn, metrics: Metrics) -> None:
        self._app, self._sign_in, self._metrics = app, sign_in, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = _below(scope)
        if path == _PUBLIC and scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        try:
            who = await self._sign_in.who(header(scope, b"authorization"))
            operation = _operation(scope["method"], path)
            if not operation.allows(who):
                raise Rejected("This needs another role.", status=403)
            body = await whole_body(receive, BODY_LIMIT)
        except Gone:
            return
        except _NoSuchMethod as exc:
            await problem(405, str(exc), headers={"allow": exc.allow})(scope, receive, send)
            return
        except Rejected as exc:
            self._metrics.inbox_refused.labels(reason=f"api_{exc.status}").inc()
            headers = {"www-authenticate": "Bearer"} if exc.status == 401 else {}
            await problem(exc.status, str(exc), headers=headers)(scope, receive, send)
            return
        except TemporaryFailure as exc:
            log.warning("a request could not be judged", error=type(exc).__name__)
            await problem(503, "Try again later.", headers={"retry-after": "1"})(scope, receive, send)
            return
        scope[WHO], scope[WHAT] = who, operation
        # What fails has been answered and logged by then; it must not reach the server, which would print its text.
        with contextlib.suppress(Exception):
            await self._app(scope, _again(body, receive), send)


def who_asks(scope: MutableMapping[str, Any]) -> SignedIn:
    """Whoever the gate has let through."""
    who = scope[WHO]
    assert isinstance(who, SignedIn)
    return who


class _NoSuchMethod(Rejected):
    def __init__(self, allow: str) -> None:
        super().__init__("This cannot be done with this address.", status=405)
        self.allow = allow


def _operation(method: str, path: str) -> Operation:
    found, methods = operation_of(method, path)
    if found is not None:
        return found
    if methods:
        raise _NoSuchMethod(", ".join(sorted(methods)))
    raise Rejected("There is nothing here.", status=404)


def _below(scope: Scope) -> str:
    """The path below the place where the API is mounted."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path[len(root) :] if root and path.startswith(root) else path


def _again(body: bytes, receive: Receive) -> Receive:
    """The body that was read, and then whatever else comes."""
    told = deque([{"type": "http.request", "body": body, "more_body": False}])

    async def next_message() -> MutableMapping[str, Any]:
        return told.popleft() if told else await receive()

    return next_message
