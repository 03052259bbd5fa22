"""Microsoft's limits on one calling app, how far they are used up, and what the organisation wants done then. Pure."""

from enum import StrEnum

import msgspec

#: Per cent of a limit at which something is done.
STEPS = (70, 90, 100)


class QuotaAct(StrEnum):
    WARN = "warn"  # people are told
    REDIRECT = "redirect"  # and new calls go to the fallback user, or are refused as busy where there is none


class QuotaPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of one app registration and what is done at each step. Microsoft allows no more than the defaults."""

    calls_per_month: int = 10_000
    concurrent_calls: int = 100
    at_70: QuotaAct = QuotaAct.WARN
    at_90: QuotaAct = QuotaAct.WARN
    at_100: QuotaAct = QuotaAct.REDIRECT


class QuotaUse(msgspec.Struct, frozen=True, kw_only=True):
    """Calls since the beginning of the month, and calls that stand now."""

    month: int = 0
    concurrent: int = 0


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """What decides whether one more call is taken. `fallback_user` (Entra object id) may be empty.

    `writes_presence`: Teams is told who is busy with a call.
    """

    policy: QuotaPolicy = QuotaPolicy()
    fallback_user: str = ""
    writes_presence: bool = False


def reached(policy: QuotaPolicy, use: QuotaUse) -> int:
    """The highest step (70 | 90 | 100) that either limit has reached; 0 below the first."""
    hit = [step for step in STEPS if _is_hit(policy, use, step)]
    return max(hit, default=0)


def redirects(policy: QuotaPolicy, use: QuotaUse) -> bool:
    """Whether new calls are sent on now: a step that is reached says so."""
    acts = {70: policy.at_70, 90: policy.at_90, 100: policy.at_100}
    return any(acts[step] is QuotaAct.REDIRECT and _is_hit(policy, use, step) for step in STEPS)


def _is_hit(policy: QuotaPolicy, use: QuotaUse, step: int) -> bool:
    return use.month * 100 >= step * policy.calls_per_month or use.concurrent * 100 >= step * policy.concurrent_calls
