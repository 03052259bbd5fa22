"""Where prompts are said in a setup."""

from cordpair.core.flow import says, treatment_says
from cordpair.core.tenant import TenantSetup


def uses_of(prompt: str, setup: TenantSetup) -> tuple[str, ...]:
    """The places that say a prompt: `flows.main.hello`, `queues.members`; in the order of the setup."""
    found = [
        f"flows.{flow.id}.{name}"
        for flow in setup.flows
        for name, step in flow.steps.items()
        if any(say.prompt == prompt for say in says(step))
    ]
    for queue in setup.queues:
        said = [say for part in treatment_says(queue.treatment).values() for say in part] if queue.treatment else []
        if prompt in (queue.greeting, queue.waiting) or any(say.prompt == prompt for say in said):
            found.append(f"queues.{queue.id}")
    return tuple(found)
