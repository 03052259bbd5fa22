"""A setup is looked at before it is stored: one that cannot work is refused, with the place of all that is wrong."""

import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx
import phonenumbers

from cordpair.connectors.registry import open_crm
from cordpair.core.flow_check import check_all
from cordpair.core.flow_finding import Finding, Surroundings
from cordpair.core.hours import read_hours
from cordpair.core.ids import QueueId
from cordpair.core.need import steps_are_in_order
from cordpair.core.quota import QuotaPolicy
from cordpair.core.tenant import AgentSetup, Queue, Registration, TenantSetup, Topology
from cordpair.engine.config_warnings import LIVABLE
from cordpair.engine.config_words import said
from cordpair.errors import Rejected

MOST_AT_ONCE = 20  #: agents whom one call rings
SHORTEST_RING_S = 15.0  #: Teams rings no shorter
_USER = "must be the Entra object id of a user, a UUID in small letters"


def check_setup(setup: TenantSetup) -> None:
    """Raises Rejected with one line for each mistake, `place: what is wrong`. Nothing is sent to anybody."""
    found = setup_problems(setup)
    if found:
        raise Rejected("\n".join(found))


def setup_problems(setup: TenantSetup) -> list[str]:
    """All mistakes, `place: what is wrong`; of each queue and each agent the first one of a kind."""
    checks: list[Callable[[], None]] = [
        *(partial(check, setup) for check in (_check_ids, _check_places, _check_fallbacks, _check_names, _check_crm)),
        *(partial(_refuse, finding) for finding in _flow_findings(setup)),
        partial(_check_registration, setup.registration),
    ]
    for queue in setup.queues:
        place = f"queues.{queue.id}"
        checks += [
            partial(check, place, queue) for check in (_check_times, _check_offers, _check_routing, _check_queue_hours)
        ]
    known = {queue.id for queue in setup.queues}
    checks += [partial(_check_agent, agent, known) for agent in setup.agents]
    return [*dict.fromkeys(said for check in checks if (said := _said_by(check)))]


def _said_by(check: Callable[[], None]) -> str:
    try:
        check()
    except Rejected as exc:
        return str(exc)
    return ""


def _flow_findings(setup: TenantSetup) -> list[Finding]:
    """What is wrong with call flows and treatments, but for what a caller can live with."""
    found = check_all(setup.flows, Surroundings(queues=setup.queues))
    return [one for one in found if one.kind not in LIVABLE]


def _refuse(finding: Finding) -> None:
    thing = ("queues", finding.queue) if finding.queue else ("flows", finding.flow)
    step = ("steps", finding.step) if finding.step else ()
    place = ".".join([*thing, *step, *([finding.field] if finding.field else [])])
    raise Rejected(f"{place}: {said('findings', finding.kind.value, 'en', about=finding.about)}")


def _check_ids(setup: TenantSetup) -> None:
    _must(_is_id(setup.id), "id", "must be the Entra tenant id, a UUID in small letters")
    _must(setup.registration.tenant == setup.id, "registration.tenant", "must be the organisation's own id")


def _check_places(setup: TenantSetup) -> None:
    _must(setup.region in phonenumbers.SUPPORTED_REGIONS, "region", "must be an ISO country like DE")
    _must(_is_time_zone(setup.time_zone), "time_zone", "must be a name like Europe/Berlin")


def _check_registration(registration: Registration) -> None:
    _must(bool(registration.client_secret), "registration.client_secret", "is missing")
    ends, quota = registration.secret_expires_at, registration.quota
    _must(
        ends is None or ends.tzinfo is not None,
        "registration.secret_expires_at",
        "has no time zone (2027-01-31T00:00:00Z)",
    )
    allowed = QuotaPolicy()
    for name in ("calls_per_month", "concurrent_calls"):
        most = getattr(allowed, name)
        _must(0 < getattr(quota, name) <= most, f"registration.quota.{name}", f"must be 1 to {most}: Microsoft's limit")


def _check_fallbacks(setup: TenantSetup) -> None:
    """A call that is sent on must not come back to us: it would be sent on for ever."""
    ours = {queue.resource_account for queue in setup.queues if queue.resource_account}
    ours |= {account for flow in setup.flows for account in flow.resource_accounts}
    users = [("fallback_user", "fallback_user", setup.fallback_user)]
    users += [(f"queues.{queue.id}", "fallback_user", queue.fallback_user) for queue in setup.queues]
    users += [(f"queues.{queue.id}", "closed_user", queue.closed_user) for queue in setup.queues]
    users += [(f"queues.{queue.id}", "overflow_user", queue.overflow_user) for queue in setup.queues]
    for place, field, user in users:
        _must(_is_id_or_empty(user), place, f"{field} {_USER}")
        _must(user not in ours, place, f"{field} is the resource account of a queue or a flow: calls would come back")


def _check_names(setup: TenantSetup) -> None:
    _must_be_single("queues", (queue.id for queue in setup.queues))
    accounts = (queue.resource_account for queue in setup.queues if queue.resource_account)  # a flow may lead there
    _must_be_single("queues.resource_account", accounts)
    _must_be_single("agents", (agent.id for agent in setup.agents))
    _must_be_single("breaks", (one.id for one in setup.breaks))
    _must_be_single("flows", (flow.id for flow in setup.flows))


def _check_times(place: str, queue: Queue) -> None:
    # Graph's own spelling is compared: a capital letter would send every caller away.
    _must(queue.resource_account == queue.resource_account.lower(), place, "resource_account has capital letters")
    _must(queue.ring_timeout_s >= SHORTEST_RING_S, place, "ring_timeout_s must be at least 15: Teams rings no shorter")
    _must(queue.wrap_up_s > 0, place, "wrap_up_s must be more than 0")
    back = queue.callbacks
    shortest = min(back.offer_s, back.talk_s, back.retry_s, back.keep_s, back.missed_s)
    _must(shortest > 0 and back.tries >= 1, f"{place}.callbacks", "times must be more than 0, tries at least 1")
    _must_be_single(f"{place}.dispositions", (one.id for one in queue.dispositions))


def _check_offers(place: str, queue: Queue) -> None:
    _must(queue.extensions >= 0 and queue.extend_s > 0, place, "extensions must be at least 0, extend_s more than 0")
    _must(queue.misses >= 1 and queue.declines >= 0, place, "misses must be at least 1, declines at least 0")
    _must(queue.stale_s > 0, place, "stale_s must be more than 0")
    _must(queue.last_agent_s >= 0 and queue.last_agent_days >= 1, place, "last_agent_days must be at least 1")
    most = 1 if queue.topology is Topology.RELEASED else MOST_AT_ONCE
    why = "only one agent can have a released call handed over" if most == 1 else "more would ring for nothing"
    _must(
        not queue.claim_first or queue.parallel_offers == 1, place, "claim_first rings one: parallel_offers must be 1"
    )
    _must(1 <= queue.parallel_offers <= most, place, f"parallel_offers must be 1 to {most}: {why}")


def _check_queue_hours(place: str, queue: Queue) -> None:
    try:
        if queue.hours is not None:
            read_hours(queue.hours)
    except Rejected as exc:
        raise Rejected(f"{place}.hours.{exc}") from exc


def _check_agent(agent: AgentSetup, known: Collection[QueueId]) -> None:
    place = f"agents.{agent.id}"
    _must(_is_id(agent.id), place, "id must be the Entra object id, a UUID in small letters")
    _must(set(agent.queues) <= set(known), place, "serves a queue that there is not")
    _check_memberships(place, agent)


def _check_memberships(place: str, agent: AgentSetup) -> None:
    _must_be_single(f"{place}.memberships", (one.queue for one in agent.memberships))
    for one in agent.memberships:
        _must(one.queue in agent.queues, place, f"memberships names {one.queue}, which is not among its queues")
        _must(one.priority >= 1 and one.delay_s >= 0, place, "priority must be at least 1, delay_s at least 0")


def _check_routing(place: str, queue: Queue) -> None:
    _must(steps_are_in_order(queue.steps), place, "steps must begin at after_s = 0, each later than the one before")
    _must(not (queue.steps and queue.skills), place, "skills belong into the steps where there are steps")
    _must(queue.credit_s >= 0 and queue.tier >= 0, place, "credit_s and tier must not be negative")
    _must(queue.max_waiting is None or queue.max_waiting > 0, place, "max_waiting must be at least 1")
    _must(queue.max_wait_s is None or queue.max_wait_s > 0, place, "max_wait_s must be more than 0")
    _must(queue.max_ewt_s is None or queue.max_ewt_s > 0, place, "max_ewt_s must be more than 0")
    _must(queue.overtake_s is None or queue.overtake_s > 0, place, "overtake_s must be more than 0")


def _check_crm(setup: TenantSetup) -> None:
    if setup.crm is None:
        return
    try:
        open_crm(
            setup.crm, region=setup.region, time_zone=setup.time_zone, http=httpx.AsyncClient(), clock=_StandingClock()
        )
    except Rejected as exc:
        raise Rejected(f"crm: {exc}") from exc


class _StandingClock:
    """Nothing is done with a CRM that is only looked at."""

    def now(self) -> datetime:
        return datetime(1970, 1, 1, tzinfo=UTC)


def _must(holds: bool, place: str, what: str) -> None:
    if not holds:
        raise Rejected(f"{place}: {what}")


def _must_be_single(place: str, names: Iterable[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    _must(not twice, place, f"there is more than one {twice[0] if twice else ''}")


def _is_id(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def _is_id_or_empty(text: str) -> bool:
    return not text or _is_id(text)


def _is_time_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
