"""`cordpair flow test`: the example's flow tests pass and go through every branch; what fails or is missed is named."""

import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer
from typer.testing import CliRunner, Result

from cordpair.cli import flow

EXAMPLE = Path(__file__).parents[2] / "docs" / "reference" / "flows"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the example that may be changed."""
    return Path(shutil.copytree(EXAMPLE, tmp_path / "flows"))


def run(*words: object) -> Result:
    app = typer.Typer()
    flow.add_to(app)
    return CliRunner().invoke(app, [str(word) for word in words])


def changed(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def data(*words: object) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(run("flow", "test", *words, "--json").stdout)
    return result


def test_the_example_passes_its_tests_through_every_branch() -> None:
    result = run("flow", "test", EXAMPLE, "--min-coverage", 100, "--lang", "en")
    assert (result.exit_code, "(100 %)" in result.stdout, "FAILED" in result.stdout) == (0, True, False)


def test_a_changed_flow_fails_the_test_that_knew_it_otherwise(folder: Path) -> None:
    changed(folder / "flows" / "reception.toml", '3 = "billing"', '3 = "busy"')
    result = run("flow", "test", folder, "--lang", "en")
    line = 1 + (folder / "tests" / "reception.toml").read_text().split('name = "who presses 3')[0].count("\n")
    assert result.exit_code == 1
    assert f"tests/reception.toml:{line - 1}:1)" in result.stdout
    assert "state: expected queued, was closed" in result.stdout
    assert (
        "path: expected when > who > welcome > menu > billing, was when > who > welcome > menu > busy" in result.stdout
    )


def test_a_branch_that_no_test_takes_is_named_with_its_line(folder: Path) -> None:
    file = folder / "flows" / "reception.toml"
    changed(file, '3 = "billing" }', '3 = "billing", 4 = "busy" }')
    line = 1 + file.read_text().split("choices = ")[0].count("\n")
    found = data(folder)
    (missed,) = found["missed"]
    assert (missed["step"], missed["exit"]) == ("menu", "choices.4")
    assert f"flows/reception.toml:{line}:" in missed["place"]
    assert found["branches"] == 27
    assert run("flow", "test", folder, "--min-coverage", 100).exit_code == 1
    assert run("flow", "test", folder, "--min-coverage", 96).exit_code == 0


def test_a_step_that_no_test_comes_to_is_named(folder: Path) -> None:
    tests = folder / "tests" / "reception.toml"
    head, _, rest = tests.read_text().partition('[[tests]]\nname = "on Christmas')
    tests.write_text(head + rest[rest.index("[[tests]]") :])
    result = run("flow", "test", folder, "--lang", "en")
    assert "not gone through: reception, when: holiday" in result.stdout
    assert "not reached: reception, holiday" in result.stdout


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('flow = "reception"', 'flow = "backdoor"', 'there is no flow "backdoor"'),
        ('["Ada Lindgreen"]', '["Nobody"]', 'there is no agent "Nobody"'),
        ("{ membership = 10 }", "{ cellar = 10 }", 'there is no queue "cellar"'),
        ("presses = ", "preses = ", 'unknown key "preses"; did you mean "presses"?'),
    ],
)
def test_a_test_that_speaks_of_what_there_is_not_is_refused_with_its_line(
    folder: Path, old: str, new: str, said: str
) -> None:
    changed(folder / "tests" / "reception.toml", old, new)
    refused = str(run("flow", "test", folder).exception)
    assert "tests/reception.toml:" in refused
    assert said in refused


def test_a_file_of_tests_names_its_organisation(folder: Path) -> None:
    tests = folder / "tests" / "reception.toml"
    assert "which organisation" in str(run("flow", "test", tests).exception)
    assert run("flow", "test", tests, "--organisation", folder).exit_code == 0
    tests.write_text('organisation = ".."\n' + tests.read_text())
    assert run("flow", "test", tests).exit_code == 0


def test_the_same_is_said_in_german() -> None:
    assert "16 von 16 Tests bestanden" in run("flow", "test", EXAMPLE, "--lang", "de").stdout


def test_the_example_fits_the_schema_of_flow_tests() -> None:
    schema = json.loads(run("flow", "schema").stdout)
    data = tomllib.loads((EXAMPLE / "tests" / "reception.toml").read_text(encoding="utf-8"))
    plain = json.loads(json.dumps(data, default=lambda at: at.isoformat()))
    assert [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(plain)] == []
    plain["tests"][0]["preses"] = []
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(plain)) != []
