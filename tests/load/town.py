"""A town of organisations for load: each like those of the demo world, with ids of its own."""

import hashlib
import uuid
from dataclasses import replace

from cordpair.emulator.world import Agent, Queue, Tenant, World, demo_world

_NAMES = uuid.UUID("5b0c2f3e-6d0a-4c38-9d7e-2f0b6a1c9e44")
_MEMBERS = 30


def town(*, tenants: int, queues: int, agents: int, seed: int = 7) -> World:
    """So many organisations that share so many queues and agents, as evenly as it goes."""
    model = demo_world(seed, _MEMBERS).tenants[0]
    return World(
        tuple(
            _organisation(model, number, queues=_part(queues, tenants, number), agents=_part(agents, tenants, number))
            for number in range(tenants)
        )
    )


def _part(whole: int, parts: int, number: int) -> int:
    return whole * (number + 1) // parts - whole * number // parts


def _organisation(model: Tenant, number: int, *, queues: int, agents: int) -> Tenant:
    slug = f"town{number:03}"
    served = tuple(_queue(model.queues[one % len(model.queues)], slug, one) for one in range(queues))
    client = _id(f"{slug}/client")
    registration = replace(model.registration, id=f"reg-{slug}", client_id=client, bot_id=f"28:{client}")
    staff = tuple(_agent(model.agents[one % len(model.agents)], slug, one, served) for one in range(agents))
    return replace(
        model,
        id=_id(f"{slug}/tenant"),
        registration=registration,
        queues=served,
        agents=staff,
        imis=slug,
        member_seed=model.member_seed + number,
        member_count=_MEMBERS,
    )


def _queue(model: Queue, slug: str, number: int) -> Queue:
    return replace(model, id=f"queue{number}", resource_account=_id(f"{slug}/resource/{number}"), skills=())


def _agent(model: Agent, slug: str, number: int, queues: tuple[Queue, ...]) -> Agent:
    """Everybody serves two queues that lie side by side."""
    oid = _id(f"{slug}/agent/{number}")
    served = {queues[number % len(queues)].id, queues[(number + 1) % len(queues)].id}
    return replace(
        model,
        id=oid,
        upn=f"{slug}.{number}@laternenbau.example",
        queues=tuple(sorted(served)),
        skills=(),
        conversation=f"a:{hashlib.sha256(f'{oid}/chat'.encode()).hexdigest()[:32]}",
        teams_id=f"29:{hashlib.sha256(oid.encode()).hexdigest()[:40]}",
    )


def _id(name: str) -> str:
    return str(uuid.uuid5(_NAMES, name))
