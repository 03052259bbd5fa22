"""`cordpair audit` as an operator runs it, on an installation with its own database."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
import typer
from typer.testing import CliRunner, Result

from cordpair.cli import audit, tenant
from cordpair.settings import read_settings
from cordpair.store import postgres
from tests.databases import folder

EXAMPLE = Path(__file__).parents[2] / "docs" / "reference" / "organisation.toml"


@pytest.fixture(scope="module")
def installation() -> Iterator[pytest.MonkeyPatch]:
    """A new data folder in which the example's organisation is set up."""
    with folder() as data, pytest.MonkeyPatch.context() as environment:
        environment.setenv("CORDPAIR_DATA_DIR", str(data))
        environment.setenv("LANG", "en_GB.UTF-8")
        environment.delenv("LC_ALL", raising=False)
        assert run("tenant", "apply", str(EXAMPLE)).exit_code == 0
        yield environment


def run(*words: str) -> Result:
    app = typer.Typer()
    for module in (audit, tenant):
        module.add_to(app)
    return CliRunner().invoke(app, words)


def touch(statement: str) -> None:
    """What somebody with a database client does."""

    async def execute() -> None:
        async with postgres.running(read_settings()) as databases:
            connection = await asyncpg.connect(databases.main_url)
            await connection.execute(statement)
            await connection.close()

    asyncio.run(execute())


def test_the_trail_of_a_new_organisation_is_whole_and_shown(installation: pytest.MonkeyPatch) -> None:
    verified = run("audit", "verify", "--json")
    (verdict,) = json.loads(verified.stdout)
    assert (verified.exit_code, verdict["faults"], verdict["entries"]) == (0, [], verdict["records"])
    shown = [json.loads(line) for line in run("audit", "show", "--json").stdout.splitlines()]
    assert [it["number"] for it in shown] == list(range(verdict["entries"], 0, -1))
    assert shown[-1]["action"] == "setup.applied"
    again = run("audit", "verify", "--tenant", verdict["tenant"], "--head", verdict["head"])
    assert (again.exit_code, "whole" in again.stdout) == (0, True)


def test_another_head_than_the_one_noted_down_is_told(installation: pytest.MonkeyPatch) -> None:
    (verdict,) = json.loads(run("audit", "verify", "--json").stdout)
    other = run("audit", "verify", "--tenant", verdict["tenant"], "--head", f"1:{32 * '0f'}", "--lang", "de")
    assert (other.exit_code, "1: ist nicht der Eintrag, der notiert wurde" in other.stdout) == (1, True)


def test_a_trail_that_was_touched_is_told_with_exit_code_1(installation: pytest.MonkeyPatch) -> None:
    touch("update audit_records set actor = 'operator:0' || actor where number = 1")
    verified = run("audit", "verify")
    assert (verified.exit_code, "1: the record was changed" in verified.stdout) == (1, True)


@pytest.mark.parametrize("head", ["17", "17:", "x:00", f"1:{64 * 'z'}"])
def test_a_head_that_is_none_is_refused(installation: pytest.MonkeyPatch, head: str) -> None:
    refused = run("audit", "verify", "--tenant", "x", "--head", head)
    assert "--head: NUMBER:DIGEST" in str(refused.exception)
