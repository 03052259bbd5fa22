"""Files of flow tests, run against an organisation's flows: what failed and what was never gone through, by line."""

from collections.abc import Sequence

import msgspec

from cordpair.core.flow_case import Expected, FlowCase, FlowCases
from cordpair.core.flow_case_run import Ran, Way, run_case
from cordpair.core.flow_coverage import REACHED, Coverage, coverage
from cordpair.engine.config_files import Misread, Organisation, Text, nearest, read_text, said_at
from cordpair.engine.config_places import KeyPath, Place
from cordpair.engine.config_strict import Unusable, converted
from cordpair.errors import Rejected


class Failed(msgspec.Struct, frozen=True):
    """An expectation that was not met: which, what was expected, what was."""

    field: str
    expected: object
    was: object


class CaseResult(msgspec.Struct, frozen=True, kw_only=True):
    """A test that was run, and where it stands. It has passed when nothing failed."""

    name: str
    place: Place
    failed: tuple[Failed, ...]


class TestReport(msgspec.Struct, frozen=True, kw_only=True):
    """All results, and the branches of all flows with the places of those that were missed."""

    results: tuple[CaseResult, ...]
    coverage: Coverage
    missed: tuple[tuple[Place | None, Way], ...]


class CaseFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of flow tests that was read, with the place of each."""

    cases: FlowCases
    places: tuple[Place, ...]


def read_cases(text: Text) -> CaseFile:
    """The tests in a file. Raises Misread."""
    data, places = read_text(text)
    try:
        cases = converted(data, FlowCases)
    except Unusable as exc:
        raise Misread([said_at(places, problem.path, problem.what, text.name) for problem in exc.problems]) from exc
    whole = Place(text.name, 1, 1)
    found = tuple(nearest(places, ("tests", number)) or whole for number in range(len(cases.tests)))
    return CaseFile(cases=cases, places=found)


def run_cases(given: Organisation, files: Sequence[CaseFile]) -> TestReport:
    """Run all tests of these files. Raises Misread where one speaks of what the organisation has not."""
    flows = {flow.id: flow for flow in given.setup.flows}
    runs, results = [], []
    for file in files:
        for case, place in zip(file.cases.tests, file.places, strict=True):
            ran = _run(given, case, place)
            runs.append((flows[case.flow], ran))
            results.append(CaseResult(name=case.name, place=place, failed=_failed(case.expect, ran)))
    found = coverage(given.setup.flows, runs)
    missed = tuple((given.place(_path(given, way)), way) for way in found.missed)
    return TestReport(results=tuple(results), coverage=found, missed=missed)


def _run(given: Organisation, case: FlowCase, place: Place) -> Ran:
    try:
        return run_case(given.setup, case)
    except Rejected as exc:
        raise Misread([f"{place}: {case.name}: {exc}"]) from exc


def _failed(expected: Expected, ran: Ran) -> tuple[Failed, ...]:
    wanted = msgspec.structs.asdict(expected)
    return tuple(
        Failed(field, value, was)
        for field, value in wanted.items()
        if value is not None and value != (was := getattr(ran, field))
    )


def _path(given: Organisation, way: Way) -> KeyPath:
    number = [flow.id for flow in given.setup.flows].index(way.flow)
    step: KeyPath = ("flows", number, "steps", way.step)
    if way.exit == REACHED:
        return step
    field, _, key = way.exit.partition(".")
    inner: KeyPath = (int(key),) if field == "cases" else (key,) if key else ()
    return (*step, field, *inner)
