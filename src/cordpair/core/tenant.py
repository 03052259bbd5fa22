"""What an organisation has set up: queues, agents, its app registration, its CRM."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import msgspec

from cordpair.core.breaks import USUAL, BreakReason
from cordpair.core.callback import CallbackRules
from cordpair.core.flow import Flow, Treatment
from cordpair.core.hours import Hours
from cordpair.core.ids import AgentId, QueueId, RegistrationId, TenantId
from cordpair.core.need import AgentOrder, Membership, Step, Value
from cordpair.core.number_rules import NumberRules
from cordpair.core.queue_rules import AtTimeout, StalePolicy, WrapUpMode
from cordpair.core.quota import QuotaPolicy


class Disposition(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which a call can end for the agent who took it."""

    id: str
    en: str
    de: str


class Topology(StrEnum):
    """How a call is held (ADR 1)."""

    ANCHORED = "anchored"  # the bot stays in the call and invites agents into it
    RELEASED = "released"  # the bot hands the call over to the agent and leaves it


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """A queue. `resource_account` is the object id of the Teams resource account that callers reach it by; empty: only
    call flows lead there.

    Times are seconds. `ring_timeout_s` is at least 15: Teams rings no shorter. `colour` is a CSS colour.
    `fallback_user` (Entra object id) gets the calls that may not be taken; empty: the organisation's.
    `closed_user` gets those that come while it is closed; empty: the fallback user. Without `hours` it never is.

    A call asks for `skills` in this `order` of agents; or for what its step says, if there are `steps` (routing.md 6,
    "Ring expansion"). A step that nobody signed in can serve is passed over if `skip_if_empty`. `credit_s` is a head
    start against calls of other queues; a lower `tier` goes before them whoever waits longer, for others at most
    `overtake_s`: who has waited so long goes with the first tier.

    Who finds `max_waiting` calls before them, nobody signed in who could ever take them (unless `waits_for_agents`), or
    has waited for `max_wait_s`, or would wait longer than `max_ewt_s` on average, goes to the `overflow_user`; empty:
    the fallback user. Who waits for an agent while their client rings is not torn away, and who was offered once can no
    longer be handed over (ADR 1). With the `topology` released the agent gets the call itself, and what becomes of it
    is not told to us any more.

    `wrap_up_s` is the time or the cap of the `wrap_up`; agents may extend it `extensions` times by `extend_s`. After
    `misses` rings missed in a row an agent is not responding; after `declines` calls declined in a row (0: never) on a
    break. A presence that holds agents back is `stale` after `stale_s`. `parallel_offers` agents are rung at once;
    with `claim_first` everybody is shown the call, and whoever takes it is rung. A call that an agent places costs them
    their turn if `outbound_counts`.

    Who talked to an agent within `last_agent_days` waits up to `last_agent_s` for that one, if they are at work.
    """

    id: QueueId
    name: str
    resource_account: str
    skills: frozenset[str] = frozenset()
    language: str = "en"
    ring_timeout_s: float = 20.0
    wrap_up_s: float = 60.0
    service_level_s: float = 20.0
    service_level_share: float = 0.8
    greeting: str = "greeting"
    waiting: str = "waiting"
    colour: str = "#5b5fc7"
    dispositions: tuple[Disposition, ...] = ()
    fallback_user: str = ""
    hours: Hours | None = None
    closed_user: str = ""
    order: AgentOrder = AgentOrder.LONGEST_IDLE
    steps: tuple[Step, ...] = ()
    skip_if_empty: bool = True
    credit_s: float = 0.0
    tier: int = 0
    overtake_s: float | None = None
    max_waiting: int | None = None
    max_wait_s: float | None = None
    waits_for_agents: bool = True
    max_ewt_s: float | None = None
    overflow_user: str = ""
    topology: Topology = Topology.ANCHORED
    wrap_up: WrapUpMode = WrapUpMode.UNTIL_DONE
    extensions: int = 0
    extend_s: float = 60.0
    misses: int = 1
    declines: int = 0
    stale_s: float = 90.0
    stale: StalePolicy = StalePolicy.TRUST
    parallel_offers: int = 1
    claim_first: bool = False
    at_timeout: AtTimeout = AtTimeout.FINISH
    outbound_counts: bool = True
    last_agent_s: float = 0.0
    last_agent_days: int = 30
    callbacks: CallbackRules = CallbackRules()
    treatment: Treatment | None = None  #: what a caller hears while they wait; None: the greeting

    @property
    def plan(self) -> tuple[Step, ...]:
        """What a call asks for, step by step; always at least one."""
        return self.steps or (Step(skills=self.skills, order=self.order),)


def queue_named(queues: Mapping[QueueId, Queue], queue: QueueId | None) -> Queue:
    """The queue, or its stand-in: one that was removed while its calls stood lives on by defaults, and so does none."""
    known = queues.get(queue) if queue else None
    return known or Queue(id=queue or QueueId("-"), name=queue or "-", resource_account="")


class AgentSetup(msgspec.Struct, frozen=True, kw_only=True):
    """An agent and the queues they serve.

    `memberships` says more of some of these queues: their priority for this agent, and the delay for which their
    calls are hidden. `attributes` are words and levels; a skill is an attribute of level 1.
    """

    id: AgentId
    name: str
    queues: tuple[QueueId, ...] = ()
    skills: frozenset[str] = frozenset()
    locale: str = "en"
    memberships: tuple[Membership, ...] = ()
    attributes: dict[str, Value] = msgspec.field(default_factory=dict)


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """The tenant's own app registration (single-tenant bots since 2025-07-31). The secret is never shown again.

    `secret_expires_at` (aware) is when Entra ends the secret, None where nobody has said so.
    """

    id: RegistrationId
    tenant: TenantId
    client_id: str
    client_secret: str
    bot_id: str
    bot_name: str = "cordpair"
    secret_expires_at: datetime | None = None
    quota: QuotaPolicy = QuotaPolicy()


class CrmSetup(msgspec.Struct, frozen=True, kw_only=True):
    """Which connector with which settings. `secrets` are stored sealed and never read back by a person."""

    connector: str
    settings: dict[str, str] = msgspec.field(default_factory=dict)
    secrets: dict[str, str] = msgspec.field(default_factory=dict)


class TenantSetup(msgspec.Struct, frozen=True, kw_only=True):
    """All of one tenant. `region` (ISO country) is where national numbers belong; `time_zone` is an IANA name.

    `fallback_user` (Entra object id) gets the calls that may not be taken, where the queue names nobody.
    `breaks` are the reasons for which agents take breaks. With `writes_presence` Teams shows agents as busy from a call
    to the end of its wrap-up.
    `flows` are the call flows. Whose resource account no flow names begins in its queue.
    """

    id: TenantId
    name: str
    region: str = "DE"
    time_zone: str = "Europe/Berlin"
    registration: Registration
    queues: tuple[Queue, ...] = ()
    agents: tuple[AgentSetup, ...] = ()
    crm: CrmSetup | None = None
    breaks: tuple[BreakReason, ...] = USUAL
    writes_presence: bool = False
    fallback_user: str = ""
    number_rules: NumberRules = NumberRules()
    flows: tuple[Flow, ...] = ()
