"""The folder of our own PostgreSQL server: where things are, who holds it, and its first set-up."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlencode

import msgspec

from cordpair.errors import PermanentFailure
from cordpair.store.programs import find_programs
from cordpair.store.unprivileged import Runner, choose_runner, home_for, programs_for

SUPERUSER = "cordpair"
_LONGEST_SOCKET_FOLDER = 80  # a socket's whole path must stay below 104 characters (macOS; Linux allows 107)


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """One server's folders. `home` holds them, `data` is PostgreSQL's own, `socket` the only way in."""

    home: Path
    data: Path
    socket: Path
    programs: Path
    runner: Runner

    @property
    def log_file(self) -> Path:
        return self.home / "postgres.log"

    def url(self, database: str) -> str:
        """Address of a database as the server's owner."""
        return f"postgresql:///{database}?{urlencode({'host': str(self.socket), 'user': SUPERUSER})}"

    def command(self) -> list[str]:
        """How the server is started."""
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.socket),
            "unix_socket_permissions": "0700",
            "timezone": "UTC",
            "max_connections": "200",
            # The server's log holds no values: an error of a statement is told to us, not written down.
            "log_min_messages": "log",
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
        }
        given = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [str(self.programs / "postgres"), "-D", str(self.data), *given]


def cluster_in(data_dir: Path, programs: Path | None = None) -> Cluster:
    """Lay out the server's folders for `data_dir` and make them reachable. Blocking; raises PermanentFailure."""
    runner = choose_runner()
    found = programs or find_programs()
    data_dir = data_dir.absolute()
    try:
        _make_folder(data_dir, runner)
        home = home_for(data_dir, runner)
        _make_folder(home, runner)
        return Cluster(
            home=home,
            data=home / "cluster",
            socket=_socket_folder(home, runner),
            programs=programs_for(found, runner),
            runner=runner,
        )
    except OSError as exc:
        raise PermanentFailure(f"CORDPAIR_DATA_DIR: cannot use {data_dir} ({exc.strerror})") from exc


def _make_folder(folder: Path, runner: Runner) -> None:
    """Make `folder`; as root let the server's user pass through it. Its parents stay as they are."""
    folder.mkdir(mode=0o711 if runner.drop else 0o700, parents=True, exist_ok=True)
    mode = folder.stat().st_mode
    if runner.drop and not mode & 0o001:
        folder.chmod(mode | 0o001)


def _socket_folder(home: Path, runner: Runner) -> Path:
    """A folder that only the server's user may enter, with a path short enough for a socket."""
    folder = home / "socket"
    if len(str(folder)) > _LONGEST_SOCKET_FOLDER:
        digest = hashlib.sha256(str(home).encode()).hexdigest()[:12]
        folder = Path(tempfile.gettempdir()) / f"cordpair-{runner.uid}-{digest}"
    created = not folder.exists()
    folder.mkdir(mode=0o700, exist_ok=True)
    if created:
        runner.own(folder)
    found = folder.lstat()
    if found.st_uid != runner.uid or found.st_mode & 0o077 or folder.is_symlink():
        raise PermanentFailure(f"the socket folder {folder} is not ours alone: remove it")
    return folder


def set_up(cluster: Cluster) -> None:
    """Make the server's files when there are none. Made beside their place and moved: half a set-up never counts."""
    half = cluster.home / "cluster.new"
    shutil.rmtree(half, ignore_errors=True)
    if cluster.data.exists():
        return
    half.mkdir(mode=0o700)
    cluster.runner.own(half)
    options = ["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale", "C", "--no-instructions"]
    answer = subprocess.run(
        [cluster.programs / "initdb", "-D", half, *options],
        capture_output=True,
        text=True,
        cwd=half,
        env=environment(),
        preexec_fn=cluster.runner.before_exec(die_with_us=True),
    )
    if answer.returncode != 0:
        last = answer.stderr.strip().splitlines()[-1:] or ["no message"]
        raise PermanentFailure(f"PostgreSQL's initdb failed: {last[0]}")
    half.rename(cluster.data)


def environment() -> dict[str, str]:
    """The server's environment: nothing of ours, so that no secret of ours stands in its process."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


class FolderLock:
    """Who owns the server of a folder. The operating system gives the lock back when its process ends, however it ends.

    `started` is a second lock that the owner holds while it starts the server, so that a guest can wait for it.
    """

    def __init__(self, home: Path) -> None:
        self._owner = _open_lock(home / "owner.lock")
        self._started = _open_lock(home / "start.lock")
        self.is_owner = _try_lock(self._owner)
        if self.is_owner:
            fcntl.flock(self._started, fcntl.LOCK_EX)

    def set_started(self) -> None:
        """The owner says: the server takes connections."""
        fcntl.flock(self._started, fcntl.LOCK_UN)

    def wait_until_started(self) -> None:
        """A guest waits for the owner. Blocking."""
        fcntl.flock(self._started, fcntl.LOCK_SH)
        fcntl.flock(self._started, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._started)
        os.close(self._owner)


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
