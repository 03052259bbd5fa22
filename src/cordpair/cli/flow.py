"""`cordpair flow`: try call flows out before a caller does."""

import json
import os
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from cordpair.cli.config_reading import case_files, read_path
from cordpair.cli.language import HELP, chosen_language
from cordpair.core.flow_case_run import Way
from cordpair.core.flow_coverage import REACHED
from cordpair.engine.config_schema import cases_schema
from cordpair.engine.flow_tests import CaseResult, Failed, TestReport, read_cases, run_cases
from cordpair.errors import Rejected

Files = Annotated[list[Path], typer.Argument(help="Files of tests, or the folder of an organisation with tests/.")]
Of = Annotated[Path | None, typer.Option("--organisation", help="File or folder; otherwise as the tests say.")]
Least = Annotated[float, typer.Option("--min-coverage", min=0, max=100, help="Fail below so many per cent.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Lang = Annotated[str, typer.Option("--lang", help=HELP)]

_TEXTS = {
    "counts": ("{passed} of {all} tests passed. Branches gone through: {gone} of {branches} ({per_cent:.0f} %).",
               "{passed} von {all} Tests bestanden. Durchlaufene Zweige: {gone} von {branches} ({per_cent:.0f} %)."),
    "differs": ("{field}: expected {expected}, was {was}", "{field}: erwartet {expected}, war {was}"),
    "missed": ("not gone through: {flow}, {step}: {exit}", "nicht durchlaufen: {flow}, {step}: {exit}"),
    "reached": ("not reached: {flow}, {step}", "nicht erreicht: {flow}, {step}"),
    "too_low": ("Less than {least:g} % of the branches.", "Weniger als {least:g} % der Zweige."),
    "passed": ("ok    ", "ok    "),
    "failed": ("FAILED", "FEHLER"),
}  # fmt: skip


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Call flows.", no_args_is_help=True)
    app.add_typer(group, name="flow")

    @group.command("schema")
    def schema() -> None:
        """Print the JSON Schema of a file of flow tests, for editors."""
        print(json.dumps(cases_schema(), indent=2, ensure_ascii=False))

    @group.command("test")
    def test(
        files: Files, organisation: Of = None, min_coverage: Least = 0.0, as_json: AsJson = False, lang: Lang = ""
    ) -> None:
        """Send made-up callers through the flows, and say which branches none of them took.

        Exit code 1 when a test fails or too few branches were gone through.
        """
        language = chosen_language(lang, os.environ)
        report = report_of(files, organisation)
        is_low = report.coverage.per_cent < min_coverage
        if as_json:
            print(json.dumps(_data(report), indent=2, ensure_ascii=False))
        else:
            low = [_say("too_low", language, least=min_coverage)] if is_low else []
            print("\n".join([*_lines(report, language), *low]))
        raise typer.Exit(1 if is_low or any(it.failed for it in report.results) else 0)


def report_of(files: list[Path], organisation: Path | None = None) -> TestReport:
    """Run the tests in these files. Raises Rejected where a file is wrong, or speaks of different organisations."""
    texts = case_files(files)
    read = [read_cases(text) for text in texts]
    named = {
        (Path(text.name).parent / file.cases.organisation).resolve()
        for text, file in zip(texts, read, strict=True)
        if file.cases.organisation
    }
    folders = {path.resolve() for path in files if path.is_dir()}
    sources = [organisation] if organisation else sorted(named or folders)
    if len(sources) != 1:
        raise Rejected("which organisation: say --organisation, or name one in the tests" if not sources else
                       "the tests are of several organisations: run them one by one")  # fmt: skip
    return run_cases(read_path(_short(sources[0])), read)


def _short(path: Path) -> Path:
    """The path as people would write it from where they are."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else path


def _lines(report: TestReport, language: str) -> list[str]:
    results = [line for it in report.results for line in _result(it, language)]
    missed = [_missed(place, way, language) for place, way in report.missed]
    found = report.coverage
    counts = _say(
        "counts",
        language,
        passed=sum(not it.failed for it in report.results),
        all=len(report.results),
        gone=len(found.branches) - len(found.missed),
        branches=len(found.branches),
        per_cent=found.per_cent,
    )
    return [*results, *missed, counts]


def _result(it: CaseResult, language: str) -> list[str]:
    head = f"{_say('failed' if it.failed else 'passed', language)} {it.name}"
    return [f"{head}  ({it.place})" if it.failed else head, *(f"       {_differs(one, language)}" for one in it.failed)]


def _differs(one: Failed, language: str) -> str:
    return _say("differs", language, field=one.field, expected=_shown(one.expected), was=_shown(one.was))


def _missed(place: object, way: Way, language: str) -> str:
    key = "reached" if way.exit == REACHED else "missed"
    return f"{place}: {_say(key, language, flow=way.flow, step=way.step, exit=way.exit)}"


def _shown(value: object) -> str:
    return " > ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _say(key: str, language: str, /, **fields: object) -> str:
    return _TEXTS[key][language == "de"].format(**fields)


def _data(report: TestReport) -> dict[str, Any]:
    return {
        "tests": [
            {"name": it.name, "place": str(it.place), "passed": not it.failed,
             "failed": msgspec.to_builtins(it.failed)}
            for it in report.results
        ],
        "branches": len(report.coverage.branches),
        "per_cent": round(report.coverage.per_cent, 1),
        "missed": [{"place": str(place), **msgspec.to_builtins(way)} for place, way in report.missed],
    }  # fmt: skip
