"""What an answer means for what happens next: by its status, by the mapping's own rules, and never assuming JSON."""

import codecs
from collections.abc import Iterable
from datetime import datetime

import httpx
import msgspec

from cordpair.connectors.kit import with_reason
from cordpair.connectors.rest.mapping import Errors, Rule
from cordpair.connectors.rest.templates import Context, expression
from cordpair.core.addresses import NOT_PUBLIC
from cordpair.core.retry import asked_s
from cordpair.errors import CordpairError, PermanentFailure, TemporaryFailure, Throttled, UnknownOutcome

_LONGEST_WAIT_S = 86_400.0
_LONGEST_MESSAGE = 500
_SHORTEST_SECRET = 4
_NO_JSON = object()


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A good answer. `values` are what expressions read: body, status, headers in small letters."""

    values: Context
    link: str = ""

    @property
    def body(self) -> object:
        return self.values.get("body")


class SignedOut(CordpairError):
    """The token or session is not good (any more)."""


class Exists(PermanentFailure):
    """What was to be created is there already."""


class Absent(PermanentFailure):
    """What was asked for is not there."""


class Meaning:
    """Reads answers of one CRM. `title` is what people call it, `quarantine_s` how long it may still be at work."""

    def __init__(self, title: str, errors: Errors, quarantine_s: float) -> None:
        self._title, self._errors, self._quarantine_s = title, errors, quarantine_s

    def read(self, response: httpx.Response, *, writing: bool, sent: Iterable[str], now: datetime) -> Answer:
        """The answer, or the failure that it means. `sent` are values of ours that no error text may repeat."""
        body = _json(response)
        values = {
            "status": response.status_code,
            "headers": {name.lower(): value for name, value in response.headers.items()},
            "body": None if body is _NO_JSON else body,
        }
        means = self._rule(values, is_json=body is not _NO_JSON)
        if means is None and response.is_success and body is not _NO_JSON:
            return Answer(values=values, link=response.headers.get("link", ""))
        raise self._failure(means, response, values, body is not _NO_JSON, writing=writing, sent=sent, now=now)

    def no_answer(self, exc: httpx.HTTPError, *, writing: bool) -> CordpairError:
        """A request that got no answer. When it left and could have changed something, its outcome is unknown."""
        if NOT_PUBLIC in str(exc):
            return PermanentFailure(f"{self._title} is not asked: {NOT_PUBLIC}")
        if isinstance(exc, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
            return TemporaryFailure(with_reason(f"{self._title} cannot be reached", exc))
        if writing:
            return self._unknown(f"{self._title} did not answer a request that it may have carried out", None)
        return TemporaryFailure(f"{self._title} did not answer")

    def unknown(self, what: str) -> UnknownOutcome:
        return self._unknown(f"{self._title} {what}", None)

    def _rule(self, values: Context, *, is_json: bool) -> str | None:
        return next((rule.means for rule in self._errors.rules if _holds(rule, values, is_json)), None)

    def _failure(
        self,
        means: str | None,
        response: httpx.Response,
        values: Context,
        is_json: bool,
        *,
        writing: bool,
        sent: Iterable[str],
        now: datetime,
    ) -> CordpairError:
        status = response.status_code
        wait = asked_s(response.headers.get("retry-after", ""), since=now, most_s=_LONGEST_WAIT_S)
        said = self._said(values, sent)
        match means or _usual(status, is_json, writing=writing):
            case "throttled":
                return Throttled(f"{self._title} asks for less haste ({status})", retry_after_s=wait)
            case "signed_out":
                return SignedOut(f"{self._title} does not let our user in ({status})")
            case "away":
                what = "reports an error of its own" if is_json else "answered with a web page instead of data"
                return TemporaryFailure(f"{self._title} {what} ({status})", retry_after_s=wait)
            case "unknown":
                what = "reports an error of its own" if is_json else "answered with a web page instead of data"
                return self._unknown(f"{self._title} {what} ({status})", wait)
            case "exists":
                return Exists(f"{self._title} has it already ({status}){said}", status=status)
            case "absent":
                return Absent(f"{self._title} does not know it ({status}){said}", status=404)
            case _:
                return PermanentFailure(f"{self._title} refused the request ({status}){said}", status=status)

    def _unknown(self, what: str, wait: float | None) -> UnknownOutcome:
        return UnknownOutcome(what, retry_after_s=wait, quarantine_s=self._quarantine_s)

    def _said(self, values: Context, sent: Iterable[str]) -> str:
        """The CRM's own words, without what we sent ourselves."""
        found = expression(self._errors.message).read(values) if self._errors.message else None
        texts = [one for one in (found if isinstance(found, list) else [found]) if isinstance(one, str)]
        message = " / ".join(dict.fromkeys(" ".join(one.split()) for one in texts))
        for value in sorted((one for one in sent if len(one) >= _SHORTEST_SECRET), key=len, reverse=True):
            message = message.replace(value, "…")
        return f": {message[:_LONGEST_MESSAGE]}" if message else ""


def _usual(status: int, is_json: bool, *, writing: bool) -> str:
    """What a status means where no rule says otherwise."""
    if status == 401:
        return "signed_out"
    if status == 408:
        return "unknown" if writing else "away"
    if status == 429:
        return "throttled"
    if status == 404 and is_json:
        return "absent"
    if status >= 500 or not is_json or status < 400:
        return "unknown" if writing and (status >= 500 or status < 400) else "away"
    return "refused"


def _holds(rule: Rule, values: Context, is_json: bool) -> bool:
    if rule.status and values["status"] not in rule.status:
        return False
    if not rule.when:
        return is_json or bool(rule.status)
    return bool(expression(rule.when).read(values))


def _json(response: httpx.Response) -> object:
    """The JSON of an answer; None of an empty one; _NO_JSON of anything else."""
    if not response.content.strip():
        return None if response.is_success or response.is_error else _NO_JSON
    try:
        return msgspec.json.decode(response.content.removeprefix(codecs.BOM_UTF8))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _NO_JSON
