"""What can go wrong, named by what happens next.

CordpairError
├── Rejected            the caller is told why; nothing was stored
│   └── IllegalEvent    the state cannot take the event; it changed nothing
├── TemporaryFailure    an outside system is away; the outbox tries again
│   ├── Throttled       it wants to be asked less: nothing was done
│   └── UnknownOutcome  it may have happened: look before repeating
└── PermanentFailure    trying again cannot help; parked and shown to a person
"""


class CordpairError(Exception):
    """Root of all errors that cordpair raises itself."""


class Rejected(CordpairError):
    """A request or a value that is refused.

    `status` is the HTTP status for the caller. The text is shown to that caller, so it
    never repeats personal data.
    """

    def __init__(self, why: str, *, status: int = 400) -> None:
        super().__init__(why)
        self.status = status


class IllegalEvent(Rejected):
    """An event that the state cannot take: usually a duplicate or a late one."""

    def __init__(self, why: str) -> None:
        super().__init__(why, status=409)


class TemporaryFailure(CordpairError):
    """An outside system is away. The outbox tries again after `retry_after_s` seconds at the earliest.

    `retry_after_s` is None when the other side named no time; the outbox then backs off by itself.
    """

    def __init__(self, what: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(what)
        self.retry_after_s = retry_after_s


class Throttled(TemporaryFailure):
    """The other side asks for less haste and has done nothing. Whoever speaks to it slows down, all of them."""


class UnknownOutcome(TemporaryFailure):
    """The request left and no answer came: it may have been carried out. Look before repeating.

    `quarantine_s`: it may still be carried out for so long, and a sooner look proves nothing; None where the one who
    raises it does not know. `retry_after_s` is only what the other side asked for.
    """

    def __init__(self, what: str, *, retry_after_s: float | None = None, quarantine_s: float | None = None) -> None:
        super().__init__(what, retry_after_s=retry_after_s)
        self.quarantine_s = quarantine_s


class PermanentFailure(CordpairError):
    """Trying again cannot help. The effect is parked with this text and a person sees it.

    `status` is the other side's HTTP status where there was one.
    """

    def __init__(self, what: str, *, status: int | None = None) -> None:
        super().__init__(what)
        self.status = status
