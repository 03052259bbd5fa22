"""`cordpair config` as an administrator uses it, on an installation with its own database."""

import asyncio
import json
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import jsonschema
import msgspec
import pytest
import typer
from typer.testing import CliRunner, Result

from cordpair.cli import audit, config, tenant
from cordpair.cli.config_reading import read_path, write_files
from cordpair.cli.tenant import read_setup
from cordpair.core.setup_secrets import STORED, secrets_of
from cordpair.engine.config_schema import setup_schema
from cordpair.engine.config_text import as_files, as_toml
from cordpair.errors import Rejected
from cordpair.settings import read_settings
from cordpair.store import postgres
from tests.databases import folder

EXAMPLE = Path(__file__).parents[2] / "docs" / "reference" / "organisation.toml"
WHOLE = EXAMPLE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def data_folder() -> Iterator[None]:
    """A new data folder whose server runs on between the commands, as it does beside a running product."""
    with folder() as data, pytest.MonkeyPatch.context() as environment:
        environment.setenv("CORDPAIR_DATA_DIR", str(data))
        environment.setenv("LANG", "en_GB.UTF-8")
        environment.delenv("LC_ALL", raising=False)
        with server_held():
            yield


@pytest.fixture
def installation(data_folder: None) -> Iterator[None]:
    """An installation in which nothing is set up."""
    yield
    asyncio.run(emptied())


async def emptied() -> None:
    async with postgres.running(read_settings()) as databases:
        connection = await asyncpg.connect(databases.main_url)
        if await connection.fetchval("select to_regclass('tenants')") is not None:
            await connection.execute("delete from tenants")
        await connection.close()


@contextmanager
def server_held() -> Iterator[None]:
    up, done = threading.Event(), threading.Event()

    async def hold() -> None:
        async with postgres.running(read_settings()):
            up.set()
            await asyncio.to_thread(done.wait)

    holding = threading.Thread(target=lambda: asyncio.run(hold()))
    holding.start()
    try:
        assert up.wait(120)
        yield
    finally:
        done.set()
        holding.join(120)


def run(*words: object) -> Result:
    app = typer.Typer()
    for module in (audit, config, tenant):
        module.add_to(app)
    return CliRunner().invoke(app, [str(word) for word in words])


def wrote(file: Path, *changes: tuple[str, str], text: str = WHOLE) -> Path:
    for change in changes:
        assert change[0] in text
        text = text.replace(*change, 1)
    file.write_text(text, encoding="utf-8")
    return file


def test_a_life_of_versions(tmp_path: Path, installation: None) -> None:
    file = wrote(tmp_path / "o.toml")
    assert run("config", "plan", file).exit_code == config.CHANGES
    assert "version 1 runs now" in run("config", "apply", file, "--yes", "--note", "first").stdout
    assert (run("config", "plan", file).exit_code, run("config", "plan", file).exit_code) == (config.NO_CHANGES,) * 2

    nothing = run("config", "apply", file)
    assert (nothing.exit_code, "No changes." in nothing.stdout) == (0, True), "nobody is asked where nothing changes"

    shown = wrote(tmp_path / "shown.toml", text=run("config", "show").stdout)
    assert run("config", "plan", shown).exit_code == config.NO_CHANGES, "what is shown changes nothing"
    mine = wrote(tmp_path / "mine.toml", text=shown.read_text())

    wrote(shown, ('language = "de"', 'language = "de"\nring_timeout_s = 25'), text=shown.read_text())
    planned = run("config", "plan", shown)
    assert (planned.exit_code, "Queue Mitgliedschaft: ring time: 25 s instead of 20 s" in planned.stdout) == (2, True)
    assert "shown.toml: based_on is 2 now" in run("config", "apply", shown, "--yes").stdout
    assert shown.read_text().startswith("based_on = 2\n")

    wrote(
        mine,
        ('region = "DE"', 'region = "DE"'),
        ('name = "Verb', 'name = "Der Verb'),
        text='region = "DE"\n' + mine.read_text(),
    )
    late = run("config", "apply", mine, "--yes")
    assert (late.exit_code, "since then:\n    2  " in late.stdout) == (1, True)
    assert "      Queue Mitgliedschaft: ring time: 25 s instead of 20 s" in late.stdout
    assert run("config", "apply", mine, "--yes", "--force").exit_code == 0

    back = run("config", "rollback", "2", "--yes")
    assert "version 4 runs now" in back.stdout
    listed = json.loads(run("config", "history", "--json").stdout)
    assert [(it["version"], it["note"]) for it in listed] == [(4, "= 2"), (3, ""), (2, ""), (1, "first")]
    again = run("config", "show").stdout.replace("based_on = 4", "based_on = 2")
    assert again == shown.read_text(), "going back gives what was, secrets and all"
    assert [json.loads(line)["action"] for line in run("audit", "show", "--json").stdout.splitlines()][:3] == [
        "setup.applied"
    ] * 3
    assert run("audit", "verify").exit_code == 0


def test_a_wrong_command_is_no_change(installation: None) -> None:
    assert run("config", "plan", "--bogus").exit_code == config.WRONG
    assert run("config", "plan", "/nowhere.toml").exit_code == config.WRONG
    assert run("config", "plan").exit_code == config.WRONG


def test_nothing_is_applied_unasked(tmp_path: Path, installation: None) -> None:
    refused = run("config", "apply", wrote(tmp_path / "o.toml"))
    assert "say --yes" in str(refused.exception)
    assert run("config", "history").exit_code == 1, "no organisation is set up"


def test_the_short_form_applies_by_the_same_way(tmp_path: Path, installation: None) -> None:
    assert run("tenant", "apply", wrote(tmp_path / "o.toml", text="based_on = 0\n" + WHOLE)).exit_code == 0
    assert (tmp_path / "o.toml").read_text().startswith("based_on = 1\n")
    listed = json.loads(run("config", "history", "--json").stdout)
    assert [it["version"] for it in listed] == [1]
    late = run(
        "tenant", "apply", wrote(tmp_path / "o.toml", ('"Telefonzentrale"', '"X"'), text="based_on = 7\n" + WHOLE)
    )
    assert "Refused" in str(late.exception)


def test_what_is_shown_has_no_secret_and_gives_the_same_setup(tmp_path: Path) -> None:
    setup = read_setup(EXAMPLE)
    shown = as_toml(setup, 1)
    assert [secret for secret in secrets_of(setup).values() if secret in shown] == []
    again = read_setup(wrote(tmp_path / "again.toml", text=shown))
    assert set(secrets_of(again).values()) == {STORED}
    restored = msgspec.structs.replace(again, registration=setup.registration, crm=setup.crm)
    assert restored == setup


def test_a_folder_that_was_written_gives_the_same_setup(tmp_path: Path) -> None:
    setup = read_setup(EXAMPLE.parent / "flows")
    write_files(tmp_path / "new", as_files(setup, 3))
    given = read_path(tmp_path / "new")
    restored = msgspec.structs.replace(given.setup, registration=setup.registration)
    assert (restored, given.based_on) == (setup, 3)
    assert (tmp_path / "new" / "queues" / "01-billing.toml").exists()
    with pytest.raises(Rejected, match="not empty"):
        write_files(tmp_path / "new", {})


def test_the_example_fits_the_schema_and_a_mistake_does_not() -> None:
    schema = setup_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    data = json.loads(json.dumps(tomllib.loads(WHOLE), default=lambda at: at.isoformat()))
    validator = jsonschema.Draft202012Validator(schema)
    assert [error.message for error in validator.iter_errors(data)] == []
    data["queues"][0]["ring_timout_s"] = 20
    assert ["ring_timout_s" in error.message for error in validator.iter_errors(data)] == [True]


def test_versions_are_compared_in_words(tmp_path: Path, installation: None) -> None:
    file = wrote(tmp_path / "o.toml")
    assert run("config", "apply", file, "--yes").exit_code == 0
    assert run("config", "apply", wrote(file, ("ring_timeout_s = 20", "ring_timeout_s = 25")), "--yes").exit_code == 0
    wanted = "  ~ Queue Mitgliedschaft: ring time: 25 s instead of 20 s\n"
    assert [run("config", "diff", *which).stdout for which in ((1, 2), (1,), (2,))] == [wanted, wanted, "No changes.\n"]
    assert "version 9 is not kept" in str(run("config", "diff", 9).exception)


def test_json_says_which_version_it_is_based_on_too(tmp_path: Path, installation: None) -> None:
    assert run("config", "apply", wrote(tmp_path / "o.toml"), "--yes").exit_code == 0
    shown = wrote(tmp_path / "shown.json", ('"Telefonzentrale"', '"X"'), text=run("config", "show", "--json").stdout)
    assert "shown.json: based_on is 2 now" in run("config", "apply", shown, "--yes").stdout
    assert json.loads(shown.read_text())["based_on"] == 2
