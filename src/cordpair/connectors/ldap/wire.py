"""Searches of one directory, each on a thread of its own: the LDAP library waits for its answers."""

import asyncio
import contextlib
import ssl
from collections.abc import Iterator, Mapping, Sequence

import ldap3
from ldap3.core import exceptions as failures

from cordpair.connectors.kit import with_reason
from cordpair.connectors.ldap.settings import LdapSettings
from cordpair.errors import PermanentFailure, TemporaryFailure

_CONNECT_S = 5.0
_ANSWER_S = 20  # whole seconds: the library packs it so
_PAGE = 500

#: The attributes of one entry, each with all its values as texts.
Entry = Mapping[str, tuple[str, ...]]


class LdapWire:
    """Asks one directory. Each search is a connection of its own, bound and let go."""

    def __init__(self, settings: LdapSettings) -> None:
        self._settings = settings
        self._one = asyncio.Lock()  # one connection at a time is enough, and kind

    async def search(self, query: str, attributes: Sequence[str], limit: int = 0) -> list[Entry]:
        """All entries that a filter finds (at most `limit`, 0: all). Raises TemporaryFailure and PermanentFailure."""
        async with self._one:
            return await asyncio.to_thread(self._search, query, list(attributes), limit)

    def _search(self, query: str, attributes: list[str], limit: int) -> list[Entry]:
        try:
            with self._bound() as connection:
                found = connection.extend.standard.paged_search(
                    self._settings.base_dn,
                    query,
                    attributes=attributes,
                    paged_size=min(limit, _PAGE) if limit else _PAGE,
                    time_limit=_ANSWER_S,
                    generator=True,
                )
                entries = [_entry(one) for one in found if one.get("type") == "searchResEntry"]
        except (failures.LDAPBindError, failures.LDAPInvalidCredentialsResult) as exc:
            raise PermanentFailure("LDAP refused the sign-in", status=401) from exc
        except (failures.LDAPInsufficientAccessRightsResult, failures.LDAPNoSuchObjectResult) as exc:
            raise PermanentFailure(f"LDAP refused the search ({type(exc).__name__})") from exc
        except (failures.LDAPInvalidFilterError, failures.LDAPAttributeError, failures.LDAPObjectClassError) as exc:
            raise PermanentFailure("LDAP does not know the filter or an attribute of it") from exc
        except (failures.LDAPException, OSError, ssl.SSLError) as exc:
            raise TemporaryFailure(with_reason("LDAP cannot be reached", exc)) from exc
        return entries[:limit] if limit else entries

    @contextlib.contextmanager
    def _bound(self) -> Iterator["ldap3.Connection"]:
        settings = self._settings
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED) if settings.tls or settings.start_tls else None
        server = ldap3.Server(
            settings.host,
            settings.port,
            use_ssl=settings.tls,
            tls=tls,
            get_info=ldap3.NONE,
            connect_timeout=_CONNECT_S,
        )
        connection = ldap3.Connection(
            server,
            user=settings.bind_dn or None,
            password=settings.password or None,
            receive_timeout=_ANSWER_S,
            raise_exceptions=True,
            read_only=True,
            check_names=False,
        )
        try:
            connection.open()
            if settings.start_tls:
                connection.start_tls()
            connection.bind()
            yield connection
        finally:
            with contextlib.suppress(failures.LDAPException, OSError):
                connection.unbind()


def _entry(found: Mapping[str, object]) -> Entry:
    raw = found.get("raw_attributes")
    assert isinstance(raw, Mapping)
    return {str(name): tuple(_text(one) for one in values) for name, values in raw.items()}


def _text(value: bytes) -> str:
    """UTF-8; what is none (objectGUID) in hexadecimal."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return value.hex()
    return text if text.isprintable() else value.hex()


def escaped(text: str) -> str:
    """A text inside a filter (RFC 4515)."""
    return "".join(f"\\{ord(mark):02x}" if mark in "\\*()\0" else mark for mark in text)
