"""WebDAV requests to one address book (RFC 6352, 6578), and what their answers mean."""

import asyncio
import contextlib
import ipaddress
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import httpx
import msgspec

from cordpair.connectors.kit import with_reason
from cordpair.core.addresses import NOT_PUBLIC
from cordpair.core.retry import asked_s
from cordpair.core.tenant import CrmSetup
from cordpair.errors import PermanentFailure, Rejected, TemporaryFailure, Throttled

_D, _C = "{DAV:}", "{urn:ietf:params:xml:ns:carddav}"
_HEAD = '<?xml version="1.0" encoding="utf-8"?>'
_SPACES = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"'
_ANSWER_LIMIT = 32_000_000  #: bytes of an answer that are read
_TIMEOUT_S = 30.0
_LONGEST_WAIT_S = 86_400.0
_SETTINGS = ("url", "username", "page_size", "record_link")


class DavSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`url` is that of the address book itself."""

    url: str
    username: str
    password: str
    page_size: int = 200
    record_link: str = ""


class Listing(msgspec.Struct, frozen=True):
    """What has changed: the paths of the cards that there are, sorted, and the token of now."""

    paths: Sequence[str]
    token: str


class StaleToken(Exception):
    """The server does not know the token any more: everything is read anew."""


def read_settings(setup: CrmSetup) -> DavSettings:
    """Read what an administrator has set. Raises Rejected, naming the setting."""
    given = setup.settings
    for name in given.keys() - set(_SETTINGS):
        raise Rejected(f"CardDAV: there is no setting {name}; there are: {', '.join(_SETTINGS)}")
    size = given.get("page_size", "200")
    if not size.isdecimal() or not 1 <= int(size) <= 1000:
        raise Rejected("CardDAV: page_size must be 1 to 1000")
    return DavSettings(
        url=_address(given.get("url", "")),
        username=given.get("username", ""),
        password=setup.secrets.get("password", ""),
        page_size=int(size),
        record_link=given.get("record_link", ""),
    )


def _address(text: str) -> str:
    try:
        url = httpx.URL(text.strip())
    except httpx.InvalidURL as exc:
        raise Rejected("CardDAV: url must look like https://dav.example.org/book/") from exc
    with contextlib.suppress(ValueError):
        if url.scheme == "http" and ipaddress.ip_address(url.host).is_loopback:
            return str(url).rstrip("/") + "/"
    if url.scheme != "https" or not url.host or url.userinfo or url.query or url.fragment:
        raise Rejected("CardDAV: url must look like https://dav.example.org/book/")
    return str(url).rstrip("/") + "/"


class Dav:
    """Requests to one address book."""

    def __init__(self, settings: DavSettings, http: httpx.AsyncClient, now: Callable[[], datetime]) -> None:
        self.settings, self._http, self._now = settings, http, now

    async def changed(self, token: str) -> Listing:
        """What has changed since a token; everything for an empty one. Raises StaleToken."""
        body = (
            f"{_HEAD}<d:sync-collection {_SPACES}><d:sync-token>{escape(token)}</d:sync-token>"
            "<d:sync-level>1</d:sync-level><d:prop><d:getetag/></d:prop></d:sync-collection>"
        )
        root = await self._report(body, token=token)
        found = [path for path, status, _ in _responses(root) if "404" not in status and not path.endswith("/")]
        return Listing(sorted(found), root.findtext(f"{_D}sync-token") or "")

    async def cards(self, paths: Sequence[str]) -> list[str]:
        """The cards at these paths; one that is gone meanwhile is left out."""
        if not paths:
            return []
        wanted = "".join(f"<d:href>{escape(path)}</d:href>" for path in paths)
        body = (
            f"{_HEAD}<c:addressbook-multiget {_SPACES}><d:prop><c:address-data/></d:prop>{wanted}"
            "</c:addressbook-multiget>"
        )
        return [card for _, _, card in _responses(await self._report(body)) if card]

    async def with_number(self, part: str, limit: int) -> list[str]:
        """Cards in which a number holds this text."""
        body = (
            f"{_HEAD}<c:addressbook-query {_SPACES}><d:prop><c:address-data/></d:prop><c:filter>"
            f'<c:prop-filter name="TEL"><c:text-match match-type="contains">{escape(part)}</c:text-match>'
            f"</c:prop-filter></c:filter><c:limit><c:nresults>{limit}</c:nresults></c:limit></c:addressbook-query>"
        )
        return [card for _, _, card in _responses(await self._report(body)) if card][:limit]

    async def _report(self, body: str, *, token: str = "") -> ElementTree.Element:
        settings = self.settings
        request = self._http.build_request(
            "REPORT",
            settings.url,
            content=body.encode(),
            headers={"Content-Type": "application/xml; charset=utf-8", "Depth": "1"},
            timeout=_TIMEOUT_S,
        )
        auth = httpx.BasicAuth(settings.username, settings.password) if settings.username else None
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                answer = await self._http.send(request, auth=auth, stream=True, follow_redirects=False)
                content = await _whole(answer)
        except TimeoutError as exc:
            raise TemporaryFailure("CardDAV did not answer in time") from exc
        except httpx.HTTPError as exc:
            if NOT_PUBLIC in str(exc):
                raise PermanentFailure(f"CardDAV is not asked: {NOT_PUBLIC}") from exc
            raise TemporaryFailure(with_reason("CardDAV cannot be reached", exc)) from exc
        return self._read(answer, content, token)

    def _read(self, answer: httpx.Response, content: bytes, token: str) -> ElementTree.Element:
        status = answer.status_code
        wait = asked_s(answer.headers.get("retry-after", ""), since=self._now(), most_s=_LONGEST_WAIT_S)
        if status == 429:
            raise Throttled("CardDAV asks for less haste (429)", retry_after_s=wait)
        if status >= 500 or status == 408:
            raise TemporaryFailure(f"CardDAV reports an error of its own ({status})", retry_after_s=wait)
        if status in (403, 409, 412) and token and b"valid-sync-token" in content:
            raise StaleToken
        if status != 207:
            raise PermanentFailure(f"CardDAV refused the request ({status})", status=status)
        return _xml(content)


def _xml(content: bytes) -> ElementTree.Element:
    """The root of a document. One that declares a type or entities is refused: what grows without end begins so."""
    try:
        text = content.decode("utf-8")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise TemporaryFailure("CardDAV answered with a document that declares entities")
        return ElementTree.fromstring(text)  # noqa: S314 - without declarations there is nothing to expand
    except (UnicodeDecodeError, ElementTree.ParseError) as exc:
        raise TemporaryFailure("CardDAV answered with something that is no XML") from exc


async def _whole(answer: httpx.Response) -> bytes:
    body = bytearray()
    async with contextlib.aclosing(answer):
        async for piece in answer.aiter_bytes():
            body += piece
            if len(body) > _ANSWER_LIMIT:
                raise httpx.ReadError("an answer without end")
    return bytes(body)


def _responses(root: ElementTree.Element) -> Iterator[tuple[str, str, str]]:
    """Path, status and card of each part of an answer, as far as there are."""
    for one in root.iterfind(f"{_D}response"):
        card = one.findtext(f"{_D}propstat/{_D}prop/{_C}address-data") or ""
        yield unquote(one.findtext(f"{_D}href") or ""), one.findtext(f"{_D}status") or "", card
