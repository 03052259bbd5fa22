"""Who may do what with the API: one table. What does not stand here is not served.

Nobody's role holds in another organisation, and a program has only the roles that an administrator has given it. An
operation that acts as an agent is for people: a program is no agent.
"""

import re
from collections.abc import Mapping
from enum import StrEnum

import msgspec

from cordpair.web.sign_in import Role, SignedIn

PREFIX = "/api/v1"  #: the API's place; a version that breaks its callers gets another one


class Rule(StrEnum):
    """Groups of roles that the operations share."""

    FLOOR = "floor"  # whoever works on the floor
    LEAD = "lead"  # whoever leads it
    EVIDENCE = "evidence"  # whoever may see what became of calls and why
    OPERATIONS = "operations"  # whoever keeps the machinery going
    AGENT = "agent"  # an agent, for themself
    LEAD_SELF = "lead_self"  # whoever leads, for themself


_R = Role
#: The roles of each group.
ROLES: Mapping[Rule, frozenset[Role]] = {
    Rule.FLOOR: frozenset({_R.AGENT, _R.SUPERVISOR, _R.ADMIN}),
    Rule.LEAD: frozenset({_R.SUPERVISOR}),
    Rule.EVIDENCE: frozenset({_R.SUPERVISOR, _R.ADMIN, _R.AUDITOR, _R.DATA_PROTECTION}),
    Rule.OPERATIONS: frozenset({_R.SUPERVISOR, _R.ADMIN}),
    Rule.AGENT: frozenset({_R.AGENT}),
    Rule.LEAD_SELF: frozenset({_R.SUPERVISOR}),
}


#: What only people do: they act as themselves.
PEOPLE = frozenset({Rule.AGENT, Rule.LEAD_SELF})


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation: `name` is its operationId, `path` a template below PREFIX. `orders`: it changes something."""

    name: str
    method: str
    path: str
    rule: Rule
    orders: bool = False

    def allows(self, who: SignedIn) -> bool:
        """Whether the roles of `who` are enough."""
        if self.rule in PEOPLE and who.is_program:
            return False
        return bool(who.roles & ROLES[self.rule])


def _read(name: str, path: str, rule: Rule) -> Operation:
    return Operation(name=name, method="GET", path=path, rule=rule)


def _order(name: str, path: str, rule: Rule, method: str = "POST") -> Operation:
    return Operation(name=name, method=method, path=path, rule=rule, orders=True)


_TABLE = (
    _read("who_am_i", "/me", Rule.FLOOR),
    _read("list_queues", "/queues", Rule.FLOOR),
    _read("list_agents", "/agents", Rule.OPERATIONS),
    _read("list_calls", "/calls", Rule.EVIDENCE),
    _read("show_call", "/calls/{call}", Rule.EVIDENCE),
    _read("why_call", "/calls/{call}/why", Rule.EVIDENCE),
    _read("list_pending", "/pending", Rule.OPERATIONS),
    _read("list_parked", "/parked", Rule.OPERATIONS),
    _read("list_callbacks", "/callbacks", Rule.FLOOR),
    _read("show_order", "/orders/{order}", Rule.FLOOR),
    _order("retry_parked", "/parked/{parked}/retry", Rule.OPERATIONS),
    _order("set_my_state", "/me/state", Rule.AGENT, "PUT"),
    _order("claim_call", "/calls/{call}/claim", Rule.AGENT),
    _order("save_wrap_up", "/calls/{call}/wrap-up", Rule.AGENT, "PUT"),
    _order("place_call", "/calls", Rule.AGENT),
    _order("pass_on", "/calls/{call}/transfer", Rule.AGENT),
    _order("complete_transfer", "/calls/{call}/transfer/complete", Rule.AGENT),
    _order("cancel_transfer", "/calls/{call}/transfer/cancel", Rule.AGENT),
    _order("hang_up", "/calls/{call}/hang-up", Rule.AGENT),
    _order("take_over", "/calls/{call}/take-over", Rule.LEAD_SELF),
    _order("set_agent_state", "/agents/{agent}/state", Rule.LEAD, "PUT"),
    _order("end_wrap_up", "/calls/{call}/end-wrap-up", Rule.LEAD),
    _order("move_call", "/calls/{call}/move", Rule.LEAD),
    _order("ask_callback", "/calls/{call}/callback", Rule.FLOOR),
    _order("take_callback", "/callbacks/{call}/take", Rule.AGENT),
    _order("report_callback", "/callbacks/{call}/report", Rule.AGENT),
    _order("cancel_callback", "/callbacks/{call}/cancel", Rule.LEAD),
)

#: All operations by name.
OPERATIONS: Mapping[str, Operation] = {operation.name: operation for operation in _TABLE}


def operation_of(method: str, path: str) -> tuple[Operation | None, frozenset[str]]:
    """The operation behind a path below PREFIX, and the methods that this path has at all."""
    found = {one.method: one for one in _TABLE if _PATTERNS[one.name].fullmatch(path)}
    return found.get(method), frozenset(found)


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)))


_PATTERNS = {one.name: _pattern(one.path) for one in _TABLE}
