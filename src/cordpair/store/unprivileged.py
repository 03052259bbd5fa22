"""PostgreSQL refuses to run as root: as root we let a system user run it."""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from cordpair.errors import PermanentFailure

_USER = "cordpair"
_FOLDER = Path("/var/lib/cordpair")


class Runner(msgspec.Struct, frozen=True):
    """Who runs the server: ourselves, or (`drop`) a system user because we are root."""

    uid: int
    gid: int
    drop: bool

    def own(self, path: Path) -> None:
        """Hand a path over to the server's user."""
        if self.drop:
            os.chown(path, self.uid, self.gid)

    def before_exec(self, *, die_with_us: bool) -> Callable[[], None]:
        """What a new process does before it becomes PostgreSQL: give up root, and ask to end when we end."""
        prctl = ctypes.CDLL(None, use_errno=True).prctl if die_with_us and sys.platform == "linux" else None

        def prepare() -> None:
            if self.drop:
                os.setgroups([])
                os.setgid(self.gid)
                os.setuid(self.uid)
            if prctl is not None:
                prctl(1, signal.SIGINT)  # PR_SET_PDEATHSIG; SIGINT is PostgreSQL's fast shutdown

        return prepare


def choose_runner() -> Runner:
    """Ourselves, or as root the system user `cordpair`, made when it is missing. Raises PermanentFailure."""
    if os.getuid() != 0:
        return Runner(os.getuid(), os.getgid(), drop=False)
    try:
        entry = pwd.getpwnam(_USER)
    except KeyError:
        _make_user()
        entry = pwd.getpwnam(_USER)
    return Runner(entry.pw_uid, entry.pw_gid, drop=True)


def _make_user() -> None:
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", _USER]
    try:
        # Another process may make the same user at this moment: what counts is that it exists afterwards.
        subprocess.run(command, check=False, capture_output=True, timeout=30)
        pwd.getpwnam(_USER)
    except (OSError, KeyError, subprocess.TimeoutExpired) as exc:
        raise PermanentFailure(f"cannot run PostgreSQL as root: make a system user named {_USER}") from exc


def reachable(path: Path, runner: Runner) -> bool:
    """Whether the server's user may pass through all folders above `path`."""
    return not runner.drop or all(folder.stat().st_mode & 0o001 for folder in path.parents)


def home_for(data_dir: Path, runner: Runner) -> Path:
    """Where the server's files go: under `data_dir`, unless its parents are closed to the server's user.

    Root's home is closed on most systems; then /var/lib/cordpair holds the cluster, in a folder named after `data_dir`.
    """
    if reachable(data_dir, runner):
        return data_dir
    return _FOLDER / str(data_dir).strip("/").replace("/", "-")


def programs_for(programs: Path, runner: Runner) -> Path:
    """The programs, or a copy of them in /var/lib/cordpair when they lie in a closed folder (root's home)."""
    if reachable(programs / "postgres", runner):
        return programs
    package = programs.parent.parent
    stamp = (programs / "postgres").stat().st_mtime_ns
    copy = _FOLDER / "programs" / f"{package.name}-{stamp}"
    if not copy.exists():
        half = copy.with_name(f"{copy.name}.{os.getpid()}")
        shutil.copytree(programs.parent, half / package.name / programs.parent.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():  # the wheel's programs look for them beside their package
            shutil.copytree(libraries, half / libraries.name, symlinks=True)
        try:
            half.rename(copy)
        except OSError:
            shutil.rmtree(half)
            if not copy.exists():  # else another process was faster, with the same programs
                raise
    return copy / package.name / programs.parent.name / programs.name
