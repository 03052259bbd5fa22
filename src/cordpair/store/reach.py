"""Why a database does not let us in, and what the way to it is like: TLS or not, checked or not."""

import os
import ssl
from enum import StrEnum
from urllib.parse import parse_qs, urlsplit

import asyncpg
import msgspec

from cordpair.errors import PermanentFailure, TemporaryFailure

#: All that an attempt to connect may raise.
FAILURES = (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError)

_PATIENCE_S = 10.0
_FILES = {"sslrootcert", "sslcert", "sslkey", "sslcrl"}  #: parameters of an address that name files
_EXPIRED, _WRONG_NAMES = 10, (62, 64)  #: OpenSSL's codes: ended; host name, address that the certificate is not for


class Refusal(StrEnum):
    """Why there is no connection. All but AWAY stay until somebody mends them."""

    AWAY = "away"  # nobody answers, or too late
    LOGIN = "login"  # the server knows neither user nor password
    MISSING = "missing"  # the server has no such database
    ADDRESS = "address"  # the address itself cannot be used (a parameter, a file it names)
    NO_TLS = "no_tls"  # the address wants TLS and the server speaks none
    AUTHORITY = "authority"  # the certificate is of nobody whom we trust
    NAME = "name"  # the certificate is for another name
    EXPIRED = "expired"  # the certificate has ended


#: Each in a line for people.
WORDS: dict[Refusal, str] = {
    Refusal.AWAY: "it does not answer",
    Refusal.LOGIN: "it does not take this user and password",
    Refusal.MISSING: "it has no such database",
    Refusal.ADDRESS: "the address cannot be used: check its parameters and the files that they name",
    Refusal.NO_TLS: "it speaks no TLS, and sslmode asks for it",
    Refusal.AUTHORITY: "its certificate is of an authority that sslrootcert does not hold",
    Refusal.NAME: "its certificate is for another name",
    Refusal.EXPIRED: "its certificate has ended",
}


class Unreachable(TemporaryFailure):
    """A database does not let us in. `refusal` says why; the text names neither address nor user."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(WORDS[refusal])
        self.refusal = refusal


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """The way to a database: `tls` is its protocol (empty: in clear); `is_checked` says that the server's name and
    certificate are (sslmode=verify-full); `is_local`: it does not leave this machine."""

    tls: str
    is_checked: bool
    is_local: bool


def refusal_of(exc: Exception, url: str) -> Refusal:
    """The reason that stands behind a failure to connect to `url`."""
    match exc:
        case FileNotFoundError() | PermissionError() if _FILES & parse_qs(urlsplit(url).query).keys():
            return Refusal.ADDRESS
        case ssl.SSLCertVerificationError(verify_code=code):
            if code == _EXPIRED:
                return Refusal.EXPIRED
            return Refusal.NAME if code in _WRONG_NAMES else Refusal.AUTHORITY
        case asyncpg.InvalidAuthorizationSpecificationError():
            return Refusal.LOGIN
        case asyncpg.InvalidCatalogNameError():
            return Refusal.MISSING
        case ValueError() | asyncpg.ClientConfigurationError() | ssl.SSLError(reason="NO_CERTIFICATE_OR_CRL_FOUND"):
            return Refusal.ADDRESS
        case ConnectionError() if "SSL upgrade" in str(exc):  # the library's own words, without a class of its own
            return Refusal.NO_TLS
        case _:
            return Refusal.AWAY


async def reached(url: str, setting: str) -> None:
    """Raises PermanentFailure with one line where the database refuses us in a way that waiting does not mend."""
    try:
        connection = await asyncpg.connect(url, timeout=_PATIENCE_S)
    except FAILURES as exc:
        if (refusal := refusal_of(exc, url)) is not Refusal.AWAY:
            raise PermanentFailure(f"{setting}: {WORDS[refusal]}") from exc
    else:
        await connection.close()


async def way_of(connection: "asyncpg.Connection[asyncpg.Record]", url: str) -> Way:
    """How this connection goes. `url` is the address that it was made with."""
    row = await connection.fetchrow(
        "select coalesce((select version from pg_stat_ssl where pid = pg_backend_pid() and ssl), '') as tls, "
        "inet_server_addr() is null or inet_server_addr() = inet_client_addr() as local"
    )
    assert row is not None  # it has no FROM
    mode = parse_qs(urlsplit(url).query).get("sslmode", [os.environ.get("PGSSLMODE", "")])[0]
    return Way(tls=row["tls"], is_checked=mode == "verify-full", is_local=row["local"])
