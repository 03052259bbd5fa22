"""What is worth a second look in a setup that can be applied: it works, but perhaps not as it was meant."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import msgspec

from cordpair.core.flow_check import check_all
from cordpair.core.flow_finding import Finding, FindingKind, Surroundings
from cordpair.core.hours import read_hours
from cordpair.core.need import Ability
from cordpair.core.tenant import AgentSetup, Queue, TenantSetup
from cordpair.engine.config_places import KeyPath
from cordpair.engine.config_words import said
from cordpair.store.setups import InUse

_SECRET_ENDS_SOON = timedelta(days=30)
#: Findings of call flows that a caller can live with: what is missing is not heard.
LIVABLE = frozenset({FindingKind.UNREACHABLE, FindingKind.MISSING_PROMPT, FindingKind.NO_SPEECH})


class Warned(msgspec.Struct, frozen=True, kw_only=True):
    """One warning: the path that it is about, and its text by language."""

    path: KeyPath
    text: dict[str, str]


def warnings(setup: TenantSetup, around: Surroundings, now: datetime) -> tuple[Warned, ...]:
    """All warnings, in the order of the setup. `around` knows the prompts and languages that there are."""
    found = [*_of_secret(setup, now)]
    for number, queue in enumerate(setup.queues):
        found += _of_queue(("queues", number), queue, setup.agents, around, now.date())
    for number, agent in enumerate(setup.agents):
        if not agent.queues:
            found.append(_warned(("agents", number), "no_queue", agent=agent.name))
    livable = [one for one in check_all(setup.flows, around) if one.kind in LIVABLE]
    return (*found, *(_of_finding(setup, one) for one in livable))


def removals(before: TenantSetup | None, after: TenantSetup, used: InUse) -> tuple[Warned, ...]:
    """What goes while calls are in it."""
    if before is None:
        return ()
    queues, agents = {one.id for one in after.queues}, {one.id for one in after.agents}
    gone = [one for one in before.queues if one.id not in queues and one.id in used.queues]
    left = [one for one in before.agents if one.id not in agents and one.id in used.agents]
    return (
        *(_warned(("queues",), "queue_in_use", queue=one.name, count=used.queues[one.id]) for one in gone),
        *(_warned(("agents",), "agent_in_call", agent=one.name) for one in left),
    )


def finding_path(setup: TenantSetup, finding: Finding) -> KeyPath:
    """Where a finding of the call flows stands in the setup."""
    names = [str(queue.id) for queue in setup.queues] if finding.queue else [str(flow.id) for flow in setup.flows]
    number = names.index(finding.queue or finding.flow)
    step = ("steps", finding.step) if finding.step else ()
    field = tuple(finding.field.split(".")) if finding.field else ()
    numbered = tuple(int(part) if part.isdigit() and "choices" not in field else part for part in field)
    return ("queues" if finding.queue else "flows", number, *step, *numbered)


def finding_text(finding: Finding, language: str) -> str:
    """What a finding says, without its place."""
    where = finding.queue or finding.flow + (f", {finding.step}" if finding.step else "")
    return f"{where}: {said('findings', finding.kind.value, language, about=finding.about)}"


def _of_finding(setup: TenantSetup, finding: Finding) -> Warned:
    text = {language: finding_text(finding, language) for language in ("en", "de")}
    return Warned(path=finding_path(setup, finding), text=text)


def _of_secret(setup: TenantSetup, now: datetime) -> Iterator[Warned]:
    ends, path = setup.registration.secret_expires_at, ("registration", "secret_expires_at")
    if ends is not None and ends <= now:
        yield _warned(path, "secret_ended")
    elif ends is not None and ends - now <= _SECRET_ENDS_SOON:
        yield _warned(path, "secret_ends", days=(ends - now).days)


def _of_queue(
    path: KeyPath, queue: Queue, agents: tuple[AgentSetup, ...], around: Surroundings, today: date
) -> Iterator[Warned]:
    own = [Ability.of(agent.queues, agent.skills, agent.attributes) for agent in agents if queue.id in agent.queues]
    if not own:
        yield _warned(path, "no_agents", queue=queue.name)
    for number, step in enumerate(queue.plan):
        if own and not any(step.need(queue.id).met_by(dict(ability.attributes)) for ability in own):
            where = (*path, "steps", number) if queue.steps else (*path, "skills")
            yield _warned(where, "nobody_can", queue=queue.name, step=number + 1)
    for field in ("greeting", "waiting"):
        prompt = getattr(queue, field)
        if around.prompts and prompt and prompt not in around.prompts:
            yield _warned((*path, field), "no_prompt", queue=queue.name, prompt=prompt)
    if queue.hours is not None:
        for number, line in enumerate(queue.hours.exceptions):
            days = read_hours(msgspec.structs.replace(queue.hours, exceptions=(line,))).exceptions
            if max(days) < today:
                yield _warned((*path, "hours", "exceptions", number), "past", queue=queue.name, line=line)


def _warned(path: KeyPath, name: str, **fields: object) -> Warned:
    return Warned(path=path, text={language: said("warnings", name, language, **fields) for language in ("en", "de")})
