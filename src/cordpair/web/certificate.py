"""TLS of our own: the server certificate, read again when its files change.

New connections get the newest certificate that is whole; those that stand go on. Files that do not fit together (a
renewal that is half written, a wrong key) change nothing: the former certificate stays in use and the log says so.
"""

import asyncio
import ssl
from pathlib import Path

import structlog

from cordpair.engine.clock import Clock
from cordpair.errors import PermanentFailure
from cordpair.settings import Settings

log = structlog.get_logger(__name__)

LOOK_S = 20.0  #: real seconds between two looks at the files


class ServerCertificate:
    """A certificate and its key, in PEM files. Raises PermanentFailure when they cannot be used from the start."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._files = certificate, key
        self._stamp = self._stamps()
        try:
            self._newest = self._read()
        except (OSError, ValueError) as exc:
            raise PermanentFailure(f"CORDPAIR_TLS_CERTIFICATE, CORDPAIR_TLS_KEY: {_why(exc)}") from exc
        # What the server holds stays one object for its whole life; each handshake is handed on to the newest.
        self.context = self._read()
        self.context.sni_callback = self._hand_on

    async def run(self, wall: Clock) -> None:
        """Look at the files again and again, until cancelled."""
        while True:
            await wall.sleep(LOOK_S)
            await asyncio.to_thread(self.look)

    def look(self) -> None:
        """Take up files that have changed, if they are whole."""
        stamp = self._stamps()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._newest = self._read()
        except (OSError, ValueError) as exc:
            log.warning("a renewed certificate cannot be used", error=type(exc).__name__)
        else:
            log.info("a renewed certificate is in use")

    def _hand_on(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._newest

    def _read(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        certificate, key = self._files
        context.load_cert_chain(certificate, key, password=lambda: "")  # never asked for on a terminal
        return context

    def _stamps(self) -> tuple[tuple[int, int, int], ...]:
        """Tells whether the files are still those that were read."""
        return tuple(_stamp(file) for file in self._files)


def server_certificate(settings: Settings) -> ServerCertificate | None:
    """The certificate that is set up; None where a proxy speaks TLS for us. Raises PermanentFailure."""
    if not settings.tls_certificate:
        return None
    return ServerCertificate(Path(settings.tls_certificate), Path(settings.tls_key))


async def renewed(certificate: ServerCertificate | None, wall: Clock) -> None:
    """Keep the certificate new, until cancelled; nothing to do without one."""
    if certificate is not None:
        await certificate.run(wall)


def _stamp(file: Path) -> tuple[int, int, int]:
    try:
        found = file.stat()
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_size, found.st_ino


def _why(exc: Exception) -> str:
    match exc:
        case ssl.SSLError(reason="KEY_VALUES_MISMATCH"):
            return "the key is not the certificate's"
        case ssl.SSLError():
            return "the files hold no certificate with its key in PEM, or the key has a passphrase"
        case FileNotFoundError() | PermissionError():
            return "the files cannot be read"
        case _:
            return "the files cannot be used"
