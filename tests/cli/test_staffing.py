"""`cordpair staffing` as its user types it."""

import json

import pytest
import typer
from typer.testing import CliRunner

from cordpair.cli import staffing
from cordpair.errors import Rejected

LOAD = ["--calls", "100", "--per", "30m", "--handling", "3m"]


def told(*options: str) -> str:
    app = typer.Typer()
    staffing.add_to(app)
    result = CliRunner().invoke(app, [*LOAD, *options])
    if isinstance(result.exception, Rejected):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_the_least_that_is_enough_is_marked_among_its_neighbours() -> None:
    lines = told("--lang", "en").splitlines()
    assert lines[0] == "10.0 Erlangs come in: 100 calls in 30m, 3m each"
    assert [line.split()[:2] for line in lines if line.startswith(">")] == [[">", "14"]]
    assert lines[-1] == "14 agents are the least that are enough."


def test_it_speaks_german() -> None:
    assert "14 Agenten sind die wenigsten, die genügen." in told("--lang", "de")


def test_impatient_callers_need_fewer_agents() -> None:
    assert json.loads(told("--json", "--patience", "60s"))["agents"] == 12


def test_a_roster_adds_the_time_that_is_not_at_the_phone() -> None:
    assert json.loads(told("--json", "--shrinkage", "30"))["roster"] == 20


def test_a_given_number_is_looked_at_whether_it_is_enough_or_not() -> None:
    figures = json.loads(told("--json", "--agents", "9"))
    assert (figures["agents"], figures["is_enough"], figures["wait_s"]) == (9, False, None)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--target", "often"], "--target: a share in percent and a time, such as 80/20s, not 'often'"),
        (["--patience", "long"], "--patience: a time such as 90s, 4m or 1h, not 'long'"),
        (["--target", "100/20s"], "the share of the service level must be at least 0 and less than 1"),
        (["--agents", "0"], "there must be at least one agent"),
    ],
)
def test_what_cannot_be_read_is_said(options: list[str], said: str) -> None:
    with pytest.raises(Rejected, match=said.replace("(", r"\(")):
        told(*options)
