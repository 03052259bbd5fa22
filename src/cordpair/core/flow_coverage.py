"""Which branches of call flows tests have gone through: each choice, time-out, case and branch of the hours."""

from collections.abc import Collection, Iterable, Iterator

import msgspec

from cordpair.core.flow import Flow, FlowStep, Menu, OpenHours, ToQueue, exits
from cordpair.core.flow_case_run import Ran, Way

#: The branch of a step that ends the flow: the call came to it.
REACHED = "reached"


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """All branches, and those that no test went through, in the order of the flows."""

    branches: tuple[Way, ...]
    missed: tuple[Way, ...]

    @property
    def per_cent(self) -> float:
        """0..100; 100 where there is nothing to go through."""
        return 100.0 * (1 - len(self.missed) / len(self.branches)) if self.branches else 100.0


def coverage(flows: Collection[Flow], runs: Iterable[tuple[Flow, Ran]]) -> Coverage:
    """The coverage of these flows by these runs, each of them of one flow."""
    known = {flow.id: flow for flow in flows}
    gone = {_counted(known[way.flow], way) for _, run in runs for way in run.took if way.flow in known}
    gone |= {Way(flow.id, run.path[-1], REACHED) for flow, run in runs if run.path}
    branches = tuple(way for flow in flows for way in _branches(flow))
    return Coverage(branches=branches, missed=tuple(way for way in branches if way not in gone))


def _branches(flow: Flow) -> Iterator[Way]:
    for name, step in flow.steps.items():
        ways = [Way(flow.id, name, way.name) for way in exits(step)]
        yield from dict.fromkeys(_counted(flow, way) for way in ways)
        if not ways or isinstance(step, ToQueue):
            yield Way(flow.id, name, REACHED)


def _counted(flow: Flow, way: Way) -> Way:
    """A way that is not set for itself counts as the one that stands for it."""
    step = flow.steps.get(way.step)
    return msgspec.structs.replace(way, exit=_instead(step, way.exit)) if step else way


def _instead(step: FlowStep, name: str) -> str:
    if isinstance(step, Menu) and name == "wrong_input" and not step.wrong_input:
        return "no_input"
    if isinstance(step, OpenHours) and name == "holiday" and not step.holiday:
        return "closed"
    return name
