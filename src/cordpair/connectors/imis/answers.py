"""What an answer of iMIS means for what happens next. Never assume JSON: the web tier answers with pages."""

import codecs
from collections.abc import Iterable, Mapping
from datetime import datetime

import httpx
import msgspec

from cordpair.connectors.kit import with_reason
from cordpair.core.retry import asked_s
from cordpair.errors import PermanentFailure, TemporaryFailure, Throttled, UnknownOutcome

Json = Mapping[str, object]

_LONGEST_WAIT_S = 86_400.0
_LONGEST_MESSAGE = 500
_SHORTEST_SECRET = 4

#: After an unknown outcome nothing is looked up for this long. A web server of ASP.NET ends a request after 110
#: seconds by default, so what has not been stored by then will not be stored any more.
QUARANTINE_S = 120.0


class NoSuchPage(TemporaryFailure):
    """A web page says that there is nothing at this address: it is being set up anew, or never was there."""


def read_answer(response: httpx.Response, *, writing: bool, sent: Iterable[str], now: datetime) -> Json:
    """The JSON object of a good answer; else the failure that it means.

    `writing` says that the request may have changed something: then a broken answer is an unknown outcome.
    `sent` are the values of the request, which the other side may repeat in a message and which must not reach
    an error text.
    """
    status = response.status_code
    if status == 408 and writing:  # whoever stands before iMIS may have given up on what iMIS still does
        raise UnknownOutcome(
            f"iMIS did not answer in time ({status})",
            retry_after_s=_retry_after(response, now),
            quarantine_s=QUARANTINE_S,
        )
    if status in (408, 429):
        raise Throttled(f"iMIS asks for less haste ({status})", retry_after_s=_retry_after(response, now))
    body = _json_object(response)
    if status == 501:
        raise PermanentFailure("iMIS does not offer this here (501)", status=status)
    if status >= 500 or (body is None and (status < 400 or not writing)):
        raise _broken(response, body, writing=writing, now=now)
    if body is None:
        raise TemporaryFailure(f"iMIS answered with a web page instead of data ({status})")
    if status >= 400:
        raise PermanentFailure(_refusal(body, status, sent), status=status)
    return body


def no_answer(exc: httpx.HTTPError, *, writing: bool) -> TemporaryFailure:
    """A request that got no answer. When it left and could have changed something, its outcome is unknown."""
    if isinstance(exc, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return TemporaryFailure(with_reason("iMIS cannot be reached", exc))
    if writing:
        return UnknownOutcome("iMIS did not answer a request that it may have carried out", quarantine_s=QUARANTINE_S)
    return TemporaryFailure("iMIS did not answer")


def _broken(response: httpx.Response, body: Json | None, *, writing: bool, now: datetime) -> TemporaryFailure:
    what = "answered with a web page instead of data" if body is None else "reports an error of its own"
    text, wait = f"iMIS {what} ({response.status_code})", _retry_after(response, now)
    if response.status_code in (404, 405):
        return NoSuchPage(text)
    if writing:
        return UnknownOutcome(text, retry_after_s=wait, quarantine_s=QUARANTINE_S)
    return TemporaryFailure(text, retry_after_s=wait)


def _json_object(response: httpx.Response) -> Json | None:
    try:
        body = msgspec.json.decode(response.content.removeprefix(codecs.BOM_UTF8))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _refusal(body: Json, status: int, sent: Iterable[str]) -> str:
    """What iMIS says, all of it, without what we sent ourselves."""
    message = " / ".join(_messages(body))
    for value in sorted((v for v in sent if len(v) >= _SHORTEST_SECRET), key=len, reverse=True):
        message = message.replace(value, "…")
    return f"iMIS refused the request ({status}){': ' if message else ''}{message[:_LONGEST_MESSAGE]}"


def _messages(body: Json) -> list[str]:
    """The errors of ValidationResults, each once; without them the one message that there may be instead."""
    errors = body.get("Errors")
    entries = errors.get("$values") if isinstance(errors, dict) else errors
    found = [entry.get("Message") for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    texts = [
        " ".join(one.split()) for one in [*found, body.get("Message") if not found else ""] if isinstance(one, str)
    ]
    return list(dict.fromkeys(filter(None, texts)))


def _retry_after(response: httpx.Response, now: datetime) -> float | None:
    """Seconds to wait; None when the other side named no time."""
    return asked_s(response.headers.get("retry-after", ""), since=now, most_s=_LONGEST_WAIT_S)
