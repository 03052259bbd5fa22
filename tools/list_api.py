"""Lists docs/reference/api.md from the API itself: `python -m tools.list_api`."""

from pathlib import Path

from cordpair.web.api_calls import CallOrders
from cordpair.web.api_orders import Orders
from cordpair.web.api_problems import REASONS
from cordpair.web.api_reads import Reads
from cordpair.web.api_roles import OPERATIONS, PEOPLE, PREFIX, ROLES, Operation

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "api.md"

_HEAD = f"""# The API

<!-- Listed from `src/cordpair/web/api_*.py` by `python -m tools.list_api`. Change the code, not this page. -->

Everything below `{PREFIX}`. JSON in and out; instants are RFC 3339 in UTC, durations seconds. `{PREFIX}/openapi.json`
describes each operation with its fields, and is there for everybody.

**Who asks.** An access token (v2.0) that Microsoft Entra has made for the organisation's app registration, as
`Authorization: Bearer`: of a person (scope `access_as_user`, through Teams, Microsoft 365, Outlook or the registration
itself) or of a program (client credentials). What they may do is said by the app roles `Agent`, `Supervisor`, `Admin`,
`Auditor`, `DataProtection` in the token. A role holds in its own organisation only. Operations for agents act as the
person who asks; a program is no agent. Whoever is refused costs no write.

**Orders** (all but GET) are durable: what was accepted is carried out once, also when a process dies meanwhile. An
`Idempotency-Key` names an order; the same key again is the same order. The answer comes within two seconds, or is 202:
then `Location` says where to ask. What a supervisor orders about somebody else stands in the audit trail.

**Refusals** are problem details (RFC 9457, `application/problem+json`); `reason` is a word for programs.

**Pages.** `next` of a page is the `after` of the one behind it. Callers are shown to supervisors and administrators,
and to agents where they have to call back.

| operation | | roles | what |
| --- | --- | --- | --- |
"""
_REASONS = """
## Why an order is refused

| reason | means |
| --- | --- |
"""


def roles(operation: Operation) -> str:
    """Who may."""
    found = ", ".join(sorted(ROLES[operation.rule]))
    return f"{found} (people)" if operation.rule in PEOPLE else found


def what(operation: Operation) -> str:
    """The first sentence of its documentation."""
    endpoint = next(
        getattr(kind, operation.name) for kind in (Orders, CallOrders, Reads) if hasattr(kind, operation.name)
    )
    return str(endpoint.__doc__).strip().partition("\n")[0]


def page() -> str:
    """The text that the page must have."""
    rows = [f"| `{it.name}` | {it.method} `{it.path}` | {roles(it)} | {what(it)} |" for it in OPERATIONS.values()]
    reasons = [f"| `{reason}` | {text} |" for reason, text in REASONS.items()]
    return _HEAD + "\n".join(rows) + "\n" + _REASONS + "\n".join(reasons) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
