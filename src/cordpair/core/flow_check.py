"""What is wrong with call flows, found before a caller finds it. Pure; whoever shows it says it in words.

A flow that passes has no step that a caller cannot leave, and no way round for a caller who does nothing.
"""

from collections.abc import Collection, Iterator

from msgspec.structs import replace

from cordpair.core.flow import KEYS, Flow, exits, treatment_says
from cordpair.core.flow_check_steps import said_problems, step_problems
from cordpair.core.flow_finding import Finding, FindingKind, Problem, Surroundings
from cordpair.core.ids import FlowId, QueueId
from cordpair.core.tenant import Queue

__all__ = ["Finding", "FindingKind", "Surroundings", "check", "check_all", "check_treatment"]

#: Announcements come no more often than this: they would be all that a caller hears.
SHORTEST_PAUSE_S = 15.0
MOST_STEPS = 200


def check(flow: Flow, around: Surroundings) -> tuple[Finding, ...]:
    """All that is wrong with one flow, in the order of its steps."""
    if len(flow.steps) > MOST_STEPS:
        return (_at(flow, "", "steps", FindingKind.BAD_VALUE, f"more than {MOST_STEPS}"),)
    found = [*_whole(flow), *_loops(flow)]
    for name, step in flow.steps.items():
        found += [
            _at(flow, name, field, kind, about)
            for field, kind, about in step_problems(step, flow.steps, flow.language, around)
        ]
    order = {name: place for place, name in enumerate(flow.steps)}
    return tuple(sorted(found, key=lambda one: (order.get(one.step, -1), one)))


def check_all(flows: Collection[Flow], around: Surroundings) -> tuple[Finding, ...]:
    """All that is wrong with an organisation's flows and with what its queues let callers hear."""
    ours = {account for flow in flows for account in flow.resource_accounts}
    ours |= {queue.resource_account for queue in around.queues if queue.resource_account}
    around = replace(around, accounts=frozenset({*around.accounts, *ours}))
    found = [finding for flow in flows for finding in check(flow, around)]
    found += [*_double_accounts(flows), *_misspelled_accounts(flows)]
    return (*found, *(finding for queue in around.queues for finding in check_treatment(queue, around)))


def check_treatment(queue: Queue, around: Surroundings) -> tuple[Finding, ...]:
    """All that is wrong with what callers hear while they wait in a queue."""
    treatment = queue.treatment
    if treatment is None:
        return ()
    problems: list[Problem] = []
    for field, said in treatment_says(treatment).items():
        problems += said_problems(field, said, queue.language, around)
    if treatment.every_s < SHORTEST_PAUSE_S:
        problems.append(("every_s", FindingKind.BAD_VALUE, f"less than {SHORTEST_PAUSE_S:g} s"))
    if treatment.callback_key not in KEYS:
        problems.append(("callback_key", FindingKind.BAD_KEY, treatment.callback_key))
    if treatment.callback_after_s is not None and not treatment.say_callback:
        problems.append(("say_callback", FindingKind.NOTHING_SAID, ""))
    if (treatment.position or treatment.expected_wait) and queue.language not in around.languages:
        problems.append(("position" if treatment.position else "expected_wait", FindingKind.NO_SPEECH, queue.language))
    return tuple(Finding(FlowId(""), queue.id, "", f"treatment.{at}", kind, about) for at, kind, about in problems)


def _double_accounts(flows: Collection[Flow]) -> Iterator[Finding]:
    taken: dict[str, FlowId] = {}
    for flow in flows:
        for account in flow.resource_accounts:
            if taken.setdefault(account, flow.id) != flow.id:
                yield _at(flow, "", "resource_accounts", FindingKind.DOUBLE_ACCOUNT, account)


def _misspelled_accounts(flows: Collection[Flow]) -> Iterator[Finding]:
    """Graph's own spelling is compared: a capital letter would send every caller away."""
    for flow in flows:
        for account in flow.resource_accounts:
            if not account or account != account.lower():
                yield _at(flow, "", "resource_accounts", FindingKind.BAD_VALUE, "not an id in small letters")


def _at(flow: Flow, step: str, field: str, kind: FindingKind, about: str = "") -> Finding:
    return Finding(flow.id, QueueId(""), step, field, kind, about)


def _whole(flow: Flow) -> Iterator[Finding]:
    if flow.start not in flow.steps:
        yield _at(flow, "", "start", FindingKind.NO_START, flow.start)
        return
    reached, ahead = {flow.start}, [flow.start]
    while ahead:
        for way in exits(flow.steps[ahead.pop()]):
            if way.to in flow.steps and way.to not in reached:
                reached.add(way.to)
                ahead.append(way.to)
    for name in flow.steps:
        if name not in reached:
            yield _at(flow, name, "", FindingKind.UNREACHABLE)


def _loops(flow: Flow) -> Iterator[Finding]:
    """Ways round for a caller who does nothing: they would go round for ever. One finding for each."""
    done: set[str] = set()
    for start in flow.steps:
        yield from _search(flow, start, [], done)


def _search(flow: Flow, name: str, way: list[str], done: set[str]) -> Iterator[Finding]:
    if name in way:
        circle = way[way.index(name) :]
        yield _at(flow, circle[0], "", FindingKind.LOOP, " > ".join([*circle, name]))
    elif name not in done and name in flow.steps:
        for target in dict.fromkeys(one.to for one in exits(flow.steps[name]) if not one.by_key):
            yield from _search(flow, target, [*way, name], done)
        done.add(name)
