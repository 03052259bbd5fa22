"""Examines certificates: the one that our public address shows, and the files of our own."""

import asyncio
import ssl
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from cordpair.engine.clock import Clock
from cordpair.engine.findings import Finding, ok, problem, warning
from cordpair.settings import Settings

WARNED = timedelta(days=30)  #: before the end; of one that lives for less than 90 days, the last third
_PATIENCE_S = 10.0
_LONGEST_LIST = 100  #: characters of the names of a certificate that are shown
#: OpenSSL's codes of what is wrong with a chain.
_REFUSED = {
    9: "certificate.early",
    10: "certificate.expired",
    18: "certificate.private",  # signed by itself
    19: "certificate.private",  # an authority of its own at the end
    20: "certificate.chain",  # the issuer is not at hand
    21: "certificate.chain",
    62: "certificate.name",  # another host
    64: "certificate.name",  # another address
}


class _Keys(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of how long a certificate is good."""

    ok: str
    ends: str
    expired: str
    early: str


_PUBLIC = _Keys(
    ok="certificate.ok",
    ends="certificate.ends",
    expired="certificate.expired",
    early="certificate.early",
)
_OWN = _Keys(
    ok="own_certificate.ok",
    ends="own_certificate.ends",
    expired="own_certificate.expired",
    early="own_certificate.early",
)


async def examine_certificate(url: str, tls: ssl.SSLContext, wall: Clock) -> list[Finding]:
    """Whether the certificate of an https address holds, as Microsoft would see it, and how long.

    `tls` is what it is checked against. An address where nobody answers is another finding.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        return []
    try:
        host, port = parts.hostname, parts.port or 443
        shown = await _shown(host, port, tls)
    except ssl.SSLCertVerificationError as exc:
        return [await _refused(host, port, exc)]
    except (OSError, TimeoutError, ValueError):
        return []
    return [_left(shown, _PUBLIC, host, wall.now())]


def is_refused(found: list[Finding]) -> bool:
    """Whether nobody who checks certificates gets through to us."""
    return any(it.check == "certificate" and it.key not in ("certificate.ok", "certificate.ends") for it in found)


async def _refused(host: str, port: int, exc: ssl.SSLCertVerificationError) -> Finding:
    """Why, in words of our own where there are some. For those the certificate is looked at once more, unchecked."""
    key = _REFUSED.get(exc.verify_code, "certificate.refused")
    if key == "certificate.refused":
        return problem(key, host=host, why=exc.verify_message)
    unchecked = ssl.create_default_context()
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    try:
        shown = await _shown(host, port, unchecked)
    except (OSError, TimeoutError, ValueError):
        return problem("certificate.refused", host=host, why=exc.verify_message)
    date = shown.not_valid_before_utc if key == "certificate.early" else shown.not_valid_after_utc
    return problem(key, host=host, names=_told(shown), date=f"{date:%Y-%m-%d}")


async def _shown(host: str, port: int, tls: ssl.SSLContext) -> x509.Certificate:
    """The certificate that a new connection is shown. Raises OSError, TimeoutError; ValueError for an odd one."""
    async with asyncio.timeout(_PATIENCE_S):
        _, writer = await asyncio.open_connection(host, port, ssl=tls)
        try:
            content = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        finally:
            writer.close()
    return x509.load_der_x509_certificate(content)


# ---- our own files


class _Unusable(Exception):
    """The files cannot be used; `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.key)
        self.finding = finding


class _Pair(msgspec.Struct, frozen=True):
    certificate: x509.Certificate
    is_key_its_own: bool


def examine_own_certificate(settings: Settings, wall: Clock) -> list[Finding]:
    """The files of CORDPAIR_TLS_CERTIFICATE and CORDPAIR_TLS_KEY: readable, a pair, for our name, not about to end."""
    if not settings.tls_certificate:
        return []
    try:
        pair = _read(Path(settings.tls_certificate), Path(settings.tls_key))
    except _Unusable as exc:
        return [exc.finding]
    if not pair.is_key_its_own:
        return [problem("own_certificate.key", file=settings.tls_key)]
    host, names = urlsplit(settings.public_url).hostname or "", _names(pair.certificate)
    stranger = (
        [] if _is_for(host, names) else [warning("own_certificate.name", host=host, names=_told(pair.certificate))]
    )
    return [*stranger, _left(pair.certificate, _OWN, host, wall.now())]


def _read(certificate: Path, key: Path) -> _Pair:
    first = _pem(certificate)
    try:
        ours = x509.load_pem_x509_certificates(first)[0]
    except ValueError as exc:
        raise _Unusable(problem("own_certificate.malformed", file=str(certificate))) from exc
    try:
        secret = load_pem_private_key(_pem(key), password=None)
    except (ValueError, TypeError) as exc:  # a TypeError stands for a passphrase
        raise _Unusable(problem("own_certificate.no_key", file=str(key))) from exc
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    return _Pair(ours, secret.public_key().public_bytes(*form) == ours.public_key().public_bytes(*form))


def _pem(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as exc:
        raise _Unusable(problem("own_certificate.unreadable", file=str(file))) from exc


# ---- both


def _left(certificate: x509.Certificate, keys: _Keys, host: str, now: datetime) -> Finding:
    ends_at, life = certificate.not_valid_after_utc, certificate.not_valid_after_utc - certificate.not_valid_before_utc
    left, date = ends_at - now, f"{ends_at:%Y-%m-%d}"
    if now < certificate.not_valid_before_utc:
        return problem(keys.early, host=host, date=f"{certificate.not_valid_before_utc:%Y-%m-%d}")
    if left <= timedelta(0):
        return problem(keys.expired, host=host, date=date)
    if left < min(WARNED, life / 3):
        return warning(keys.ends, date=date, days=left.days)
    return ok(keys.ok, date=date, days=left.days)


def _names(certificate: x509.Certificate) -> list[str]:
    """Host names and addresses that it is for."""
    try:
        listed = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    addresses = [str(address) for address in listed.get_values_for_type(x509.IPAddress)]
    return [*listed.get_values_for_type(x509.DNSName), *addresses]


def _told(certificate: x509.Certificate) -> str:
    """Its names for people."""
    text = ", ".join(_names(certificate)) or "-"
    return text if len(text) <= _LONGEST_LIST else f"{text[:_LONGEST_LIST]}..."


def _is_for(host: str, names: list[str]) -> bool:
    """Whether one of the names is the host's. A wildcard stands for one label (RFC 9525)."""
    try:
        return str(ip_address(host)) in names
    except ValueError:
        wild = "*." + host.partition(".")[2]
        return {host.lower(), wild.lower()} & {name.lower() for name in names} != set()
