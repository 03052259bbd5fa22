"""Files of an organisation, from the disk: one file, or a folder with its parts."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from cordpair.engine.config_checked import read_checked
from cordpair.engine.config_files import BASED_ON, ENDINGS, Organisation, Text, in_order
from cordpair.errors import Rejected

#: What lies beside an organisation without being a part of it.
_ASIDE = "tests"


def read_path(path: Path) -> Organisation:
    """The organisation in a file or a folder. Raises Rejected with one line for each mistake."""
    return read_checked(texts_of(path))


def texts_of(path: Path) -> list[Text]:
    """The file, or the parts in the folder. Raises Rejected."""
    try:
        if not path.is_dir():
            return [Text(str(path), path.name, path.read_bytes())]
        names = [str(one.relative_to(path)) for one in path.rglob("*") if one.suffix.lower() in ENDINGS]
        parts = in_order(name for name in names if Path(name).parts[0] != _ASIDE)
        return [Text(str(path / name), name, (path / name).read_bytes()) for name in parts]
    except OSError as exc:
        raise Rejected(f"{exc.filename or path}: {exc.strerror}") from exc


def write_files(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Write an organisation's files into a folder that has none yet; returns their names. Raises Rejected."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Rejected(f"{folder}: is there already, and not empty")
    try:
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as exc:
        raise Rejected(f"{exc.filename or folder}: {exc.strerror}") from exc
    return [str(folder / name) for name in files]


def note_version(given: Organisation, version: int) -> str:
    """Let a file that says which version it is based on say the new one; returns its name, empty where none does."""
    place = given.places.get((BASED_ON,))
    if place is None:
        return ""
    file = Path(place.file)
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    lines[place.line - 1] = re.sub(r"\d+", str(version), lines[place.line - 1], count=1)
    file.write_text("".join(lines), encoding="utf-8")
    return place.file


def case_files(paths: Sequence[Path]) -> list[Text]:
    """Files of flow tests; of a folder those in its `tests`. Raises Rejected."""
    try:
        found = [file for path in paths for file in (_cases_in(path) if path.is_dir() else [path])]
        return [Text(str(file), file.name, file.read_bytes()) for file in found]
    except OSError as exc:
        raise Rejected(f"{exc.filename}: {exc.strerror}") from exc


def _cases_in(folder: Path) -> list[Path]:
    found = sorted(file for file in (folder / _ASIDE).rglob("*") if file.suffix.lower() in ENDINGS)
    if not found:
        raise Rejected(f"{folder}: has no tests in {_ASIDE}/")
    return found
