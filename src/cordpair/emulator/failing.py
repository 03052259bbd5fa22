"""Requests that fail on demand: before they do anything, or after they were carried out."""

from dataclasses import dataclass
from typing import Literal, get_args

from starlette.responses import JSONResponse, Response

from cordpair.emulator import bad_answers

Kind = Literal[
    "status",  # an error of the service, with `status`
    "page",  # 200, but a page to sign in with instead of data
    "half",  # the connection breaks within the answer
    "huge",  # 200 and ten megabytes of JSON
    "drip",  # 200 and then a byte each real second, without end
]
KINDS: tuple[str, ...] = get_args(Kind)


@dataclass
class Failing:
    """The next `times` requests whose path holds `path` are answered as `kind` says.

    `after`: they are carried out all the same, only the answer is lost. `retry_after` is the header as given: seconds,
    an HTTP date, or nonsense; none when empty.
    """

    path: str = ""
    status: int = 503
    times: int = 0
    after: bool = False
    retry_after: str = ""
    kind: Kind = "status"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"there is no failure {self.kind!r}; there are {', '.join(KINDS)}")

    def strikes(self, path: str) -> bool:
        """Whether this request fails; counts it."""
        if self.times <= 0 or self.path not in path:
            return False
        self.times -= 1
        return True

    def answer(self) -> Response:
        match self.kind:
            case "page":
                return bad_answers.page("Sign In")
            case "half":
                return bad_answers.Cut()
            case "huge":
                return bad_answers.huge()
            case "drip":
                return bad_answers.Drip()
        body = {"error": {"code": "generalException", "message": "The emulated cloud was told to fail."}}
        headers = {"Retry-After": self.retry_after} if self.retry_after else None
        return JSONResponse(body, status_code=self.status, headers=headers)
