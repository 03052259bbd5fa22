"""When something that did not work is tried again: what the other side asks for, and our own growing pauses. Pure."""

import math
import re
from datetime import datetime
from email.utils import parsedate_to_datetime

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 300.0

_SECONDS = re.compile(r"[0-9]{1,20}(\.[0-9]{1,6})?")  # RFC 9110 has whole numbers; some servers write fractions


def pause_s(
    attempts: int, chance: float, *, first_s: float = FIRST_PAUSE_S, longest_s: float = LONGEST_PAUSE_S
) -> float:
    """Seconds to wait after `attempts` (from 1) tries: twice as long each time, `chance` (0..1) within its upper half.

    The jitter keeps those who failed at the same moment from coming back at the same moment.
    """
    longest = longest_s if attempts > 60 else min(first_s * 2.0 ** (attempts - 1), longest_s)
    return longest * (0.5 + chance / 2)


def asked_s(retry_after: str, *, since: datetime | None, most_s: float) -> float | None:
    """Seconds to wait by a Retry-After header, 0 to `most_s`; None when it says nothing usable.

    It holds seconds or an HTTP date (RFC 9110, 10.2.3); a date counts from `since`. A date that is past is 0, what is
    absurd (a year, a century) is `most_s`. Less than nothing says nothing: who throttles shall get our own pause then.
    """
    text = retry_after.strip()
    seconds = float(text) if _SECONDS.fullmatch(text) else _until(text, since)
    return None if seconds is None or math.isnan(seconds) else min(max(seconds, 0.0), most_s)


def _until(text: str, since: datetime | None) -> float | None:
    try:
        until = parsedate_to_datetime(text)
        return None if since is None else (until - since).total_seconds()
    except (ValueError, TypeError, OverflowError):  # no date; one without a zone
        return None


def http_date(text: str) -> datetime | None:
    """The instant of an HTTP date (a Date header); None when it is none."""
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
