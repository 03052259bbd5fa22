"""Translates what the database says into what happens next. No text of a value ever passes."""

import asyncio
import contextlib
from collections.abc import Iterator

import asyncpg

from cordpair.errors import Rejected, TemporaryFailure, UnknownOutcome

_AWAY = (
    OSError,
    TimeoutError,
    asyncio.TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.InternalServerError,
    # A server that shuts down says so in the midst of a transaction; the library then takes no further statement.
    asyncpg.InternalClientError,
)


class StaleLease(TemporaryFailure):
    """Another process owns the tenant now: drop what is in memory and write nothing."""


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn errors of the database into ours. `what` names the work, for people."""
    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as exc:
        # The details of the original name values: it is not kept as the cause.
        raise Rejected(f"{what}: the database refuses it ({exc.constraint_name or exc.sqlstate})", status=409) from None
    except asyncpg.DataError as exc:
        raise Rejected(f"{what}: a value is out of range ({exc.sqlstate})") from None
    except _AWAY as exc:
        raise TemporaryFailure(f"{what}: the database is away ({type(exc).__name__})") from exc


@contextlib.contextmanager
def committing(what: str) -> Iterator[None]:
    """Around a commit: when the connection breaks here, nobody knows whether it happened."""
    try:
        yield
    except (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.OperatorInterventionError) as exc:
        raise UnknownOutcome(f"{what}: the database went away during the commit") from exc
