"""Requests that fail on demand: before they do anything, or after they were carried out."""

from dataclasses import dataclass

from starlette.responses import JSONResponse, Response


@dataclass
class Failing:
    """The next `times` requests whose path holds `path` are answered with `status`.

    `after`: they are carried out all the same, only the answer is lost. `retry_after_s` goes into Retry-After.
    """

    path: str = ""
    status: int = 503
    times: int = 0
    after: bool = False
    retry_after_s: int | None = None

    def strikes(self, path: str) -> bool:
        """Whether this request fails; counts it."""
        if self.times <= 0 or self.path not in path:
            return False
        self.times -= 1
        return True

    def answer(self) -> Response:
        body = {"error": {"code": "generalException", "message": "The emulated cloud was told to fail."}}
        headers = {"Retry-After": str(self.retry_after_s)} if self.retry_after_s is not None else None
        return JSONResponse(body, status_code=self.status, headers=headers)
