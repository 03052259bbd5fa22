"""`cordpair simulate` as its user types it."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from cordpair.cli import simulate
from cordpair.errors import Rejected

EXAMPLE = Path(__file__).parents[2] / "docs" / "reference" / "scenario.toml"


def told(path: Path, *options: str) -> str:
    app = typer.Typer()
    simulate.add_to(app)
    result = CliRunner().invoke(app, [str(path), *options])
    if isinstance(result.exception, Rejected):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_the_example_is_played_and_told_by_class_and_group() -> None:
    figures = json.loads(told(EXAMPLE, "--seed", "7", "--json"))
    assert [one["name"] for one in figures["contacts"]] == ["members", "events"]
    assert all(one["answered"] > 100 for one in figures["contacts"])
    assert [one["staffed_h"] for one in figures["agents"]] == [54.0, 16.0]


def test_the_same_seed_gives_the_same_figures() -> None:
    assert told(EXAMPLE, "--seed", "7", "--json") == told(EXAMPLE, "--seed", "7", "--json")


def test_people_read_a_table_in_their_language() -> None:
    assert "Wartezeit" in told(EXAMPLE, "--lang", "de")
    assert "mean wait" in told(EXAMPLE, "--lang", "en")


def test_a_file_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match=r"day\.toml"):
        told(tmp_path / "day.toml")


def test_a_mistake_is_said_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "day.json"
    path.write_text(json.dumps({"length_s": 5, "contacts": [], "agents": "all"}))
    with pytest.raises(Rejected, match=r"\$\.agents"):
        told(path)
