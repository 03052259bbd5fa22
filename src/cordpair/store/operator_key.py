"""The operator's key: from the settings, or made once under the data folder."""

import base64
import binascii
import contextlib
import os
from pathlib import Path

from cordpair.errors import PermanentFailure
from cordpair.settings import Settings
from cordpair.store.sealing import KEY_BYTES, new_key

_FILE = "operator.key"


def read_operator_key(settings: Settings) -> bytes:
    """The key that wraps all tenant keys, 32 bytes. Raises PermanentFailure when it is malformed or cannot be kept."""
    given = settings.operator_key.get_secret_value()
    if given:
        return _decoded(given, "CORDPAIR_OPERATOR_KEY")
    path = settings.data_dir / _FILE
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _write_new(path)
        return _decoded(path.read_text(encoding="ascii"), str(path))
    except OSError as exc:
        raise PermanentFailure(f"{path}: the operator's key cannot be kept there ({exc.strerror})") from exc


def _decoded(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise PermanentFailure(f"{where}: must be {KEY_BYTES} bytes in base64")
    return key


def _write_new(path: Path) -> None:
    """Written whole beside its place, then linked: two starting processes agree on one key, half a key never counts."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(base64.b64encode(new_key()) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()
