"""`cordpair connector` as its user types it."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from cordpair.cli import connector
from cordpair.cli.connector_map import proposed, written
from cordpair.connectors.imis.columns import Column, Columns, plain
from cordpair.connectors.rest import read_mapping
from cordpair.emulator.hubspot import hubspot_app
from cordpair.errors import Rejected
from tests.connectors.crm_server import mounted, people
from tests.connectors.imis_server import StillClock
from tests.connectors.test_mapping_files import DOCUMENT


def told(*words: str, **environment: str) -> str:
    app = typer.Typer()
    connector.add_to(app)
    result = CliRunner().invoke(app, ["connector", *words], env=environment)
    if isinstance(result.exception, Rejected):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_all_connectors_are_listed_with_their_step() -> None:
    lines = told("list").splitlines()
    assert any(line.split()[0] == "tryton" and "platinum" in line for line in lines)


def test_a_skeleton_is_written_once_and_can_be_read(tmp_path: Path) -> None:
    document, out = tmp_path / "api.json", tmp_path / "lampen.toml"
    document.write_text(json.dumps(DOCUMENT), encoding="utf-8")
    told("new", "--name", "lampen", "--openapi", str(document), "--out", str(out))
    assert read_mapping(out.read_text(encoding="utf-8"), "lampen.toml").name == "lampen"
    with pytest.raises(Rejected, match="exists already"):
        told("new", "--name", "lampen", "--openapi", str(document), "--out", str(out))


def test_a_mapping_like_one_that_there_is_has_its_own_name(tmp_path: Path) -> None:
    out = tmp_path / "lampen.toml"
    told("new", "--name", "lampen", "--like", "salesforce", "--out", str(out))
    assert read_mapping(out.read_text(encoding="utf-8"), "lampen.toml").name == "lampen"


def test_a_try_shows_each_request_and_who_was_found_and_no_secret() -> None:
    app = hubspot_app(people("contacts", "phone", lambda n: str(5000 + n)), StillClock())
    with mounted(app) as url:
        output = told(
            *("test", "hubspot", "--number", "+493023125123", "--set", f"base_url={url}", "--sync"),
            CORDPAIR_CRM_TOKEN=app.state.token,
            CORDPAIR_PRIVATE_NETWORKS="127.0.0.0/8",
        )
    assert "POST http://127.0.0.1" in output
    assert "5001  Ansgar Wiesel" in output
    assert "phone: 030 23125123  (national: " in output
    assert "first page of the sync: 14 parties" in output
    assert app.state.token not in output


def test_a_host_that_is_not_public_is_named_as_the_reason() -> None:
    output = told(
        *("test", "hubspot", "--number", "+493023125123", "--set", "base_url=http://127.0.0.1:1"),
        CORDPAIR_CRM_TOKEN="token",
    )
    assert "failed: HubSpot is not asked: its address is not public" in output


def test_a_file_that_there_is_not_is_said() -> None:
    with pytest.raises(Rejected, match=r"nothing\.toml: No such file or directory"):
        told("test", "nothing.toml", "--number", "+493023125123")


def test_columns_of_a_panel_table_are_proposed_by_their_names() -> None:
    names = [("ID", 10), ("Subject", 100), ("DueDate", None), ("Notes", None), ("ShortKey", 8), ("ExternalKey", 40)]
    columns = Columns({plain(name): Column(name, width) for name, width in names}, told=True)
    assert written(proposed(columns)) == "subject=Subject due=DueDate note=Notes guard=ExternalKey"
