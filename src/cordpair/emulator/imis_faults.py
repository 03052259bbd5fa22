"""What can be made to go wrong in an emulated iMIS, and what it counts."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, get_args

Kind = Literal[
    "throttle",  # 429, `retry_after` as given (seconds or an HTTP date)
    "error",  # 500 with the text that says nothing
    "html",  # 503, an error page of the web tier
    "sign_in_page",  # 200, but a page instead of data
    "unauthorized",  # 401 although the token is good
    "refused",  # 400 with ValidationResults that name `message`
    "slow",  # answers after `delay_s`
    "cut",  # nothing done, the connection breaks
    "huge",  # 200 and ten megabytes of JSON
    "drip",  # 200 and then a byte each real second, without end
    "created_then_error",  # POST is carried out, answered with 500
    "created_then_cut",  # POST is carried out, the connection breaks before the answer is whole
    "created_then_malformed",  # POST is carried out, answered with half of a JSON text
    "late_commit",  # the connection breaks, POST is carried out `delay_s` later
]
AFTER_WRITING = ("created_then_error", "created_then_cut", "created_then_malformed", "late_commit")
_ABOUT_TABLES = ("/metadata/", "/boentitydefinition")
KINDS: tuple[str, ...] = get_args(Kind)


@dataclass
class Fault:
    """Hits the next `times` requests of `method` whose path contains `path`, after letting `skip` of them pass.

    Without a `path` it is about `/api/`; signing in and questions about tables go wrong only when they are named.
    """

    kind: Kind
    times: int = 1
    method: str = ""
    path: str = "/api/"
    skip: int = 0
    retry_after: str = ""
    delay_s: float = 0.0
    message: str = "The value is not allowed."

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"there is no fault {self.kind!r}; there are {', '.join(KINDS)}")
        if self.kind in AFTER_WRITING:
            self.method = "POST"

    def hits(self, method: str, path: str) -> bool:
        if self.times <= 0 or self.method.upper() not in ("", method) or self.path.lower() not in path.lower():
            return False
        if self.path == "/api/" and any(word in path.lower() for word in _ABOUT_TABLES):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True


@dataclass
class Counters:
    """What a client did. `pulls` are list requests that name nobody; a pull from offset 0 begins a sync."""

    requests: int = 0
    token_requests: int = 0
    at_once: int = 0
    most_at_once: int = 0
    most_pulls_at_once: int = 0
    sync_starts: list[datetime] = field(default_factory=list)
    _pulls_at_once: int = 0

    @contextlib.contextmanager
    def serving(self, *, pull: bool) -> Iterator[None]:
        self.requests += 1
        self.at_once += 1
        self._pulls_at_once += pull
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.most_pulls_at_once = max(self.most_pulls_at_once, self._pulls_at_once)
        try:
            yield
        finally:
            self.at_once -= 1
            self._pulls_at_once -= pull

    def most_syncs_in_an_hour(self) -> int:
        starts = self.sync_starts
        return max((sum(1 for s in starts if timedelta(0) <= s - t < timedelta(hours=1)) for t in starts), default=0)
