"""What an answer of a Microsoft service means for what happens next. One table; everything that speaks HTTP asks it.

| answer                               | a request that may be repeated | one that may not       |
| 2xx with the object that was wanted  | done                           | done                   |
| 2xx with anything else               | temporary                      | unknown                |
| 3xx, a web page with 4xx             | temporary: a proxy's           | temporary: a proxy's   |
| 408                                  | temporary                      | unknown                |
| 429                                  | throttled                      | throttled: not done    |
| 503 with Retry-After                 | throttled                      | unknown, and not soon  |
| 503 without, every other 5xx         | temporary                      | unknown                |
| every other 4xx                      | permanent                      | permanent              |

A 503 is no promise that nothing was done, nor is the time that it names: a gateway says it too when the service behind
it was slow. Only a 429 is one.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from cordpair.core.retry import asked_s, http_date
from cordpair.errors import PermanentFailure, TemporaryFailure, Throttled, UnknownOutcome

MAX_RETRY_AFTER_S = 300.0
_CODE = re.compile(r"[A-Za-z0-9_.\-]{1,80}")
_DIAG = re.compile(r"DiagCode: ?([0-9]{1,4}#[0-9]{1,7})")


class Answer(msgspec.Struct, frozen=True):
    """Status, lower-case headers and body of one HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_page(self) -> bool:
        """A proxy's or a login page, not the service's own answer."""
        return "html" in self.headers.get("content-type", "")

    def json(self) -> Any:
        """The body as JSON, None when it is empty. Raises ValueError when it is something else."""
        return msgspec.json.decode(self.body) if self.body.strip() else None


def judge(answer: Answer, name: str, *, repeatable: bool) -> dict[str, Any]:
    """The JSON object of a good answer of the service `name`, empty when there is none; else the failure it means.

    Texts of failures carry the service's own error codes, never its messages: those may name people.
    """
    unsure = TemporaryFailure if repeatable else UnknownOutcome
    if answer.status < 300:
        return _object(answer, name, unsure)
    if answer.status < 400 or (answer.status < 500 and answer.is_page):
        raise TemporaryFailure(f"something between us and {name} answers {answer.status}")
    what, pause_s = f"{name} answers {answer.status}{_codes(answer)}", retry_after_s(answer.headers)
    if answer.status == 429 or (answer.status == 503 and pause_s is not None and repeatable):
        raise Throttled(what, retry_after_s=pause_s)
    if answer.status == 408 or answer.status >= 500:
        raise unsure(what, retry_after_s=pause_s)
    raise PermanentFailure(what, status=answer.status)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by Retry-After, 0 to MAX_RETRY_AFTER_S; None: no usable word.

    A date counts from the answer's own Date header, so that clocks that differ do no harm.
    """
    since = http_date(headers.get("date", ""))
    return asked_s(headers.get("retry-after", ""), since=since, most_s=MAX_RETRY_AFTER_S)


def _object(answer: Answer, name: str, unsure: type[TemporaryFailure]) -> dict[str, Any]:
    try:
        value = answer.json()
    except ValueError as exc:
        raise unsure(f"{name} answers something that is not JSON") from exc
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise unsure(f"{name} answers JSON of an unknown shape")
    return value


def _codes(answer: Answer) -> str:
    """Graph's error code, and the diagnostic code within its message."""
    try:
        error = answer.json()["error"]
        code = str(error.get("code", ""))
        diag = _DIAG.search(str(error.get("message", "")))
    except (ValueError, TypeError, KeyError, AttributeError):
        return ""
    parts = [code] if _CODE.fullmatch(code) else []
    return "".join(f" {part}" for part in [*parts, *([diag.group(1)] if diag else [])])
