"""What goes wrong, and when: a plan that the seed alone decides, so that it can be played again."""

import random
from typing import Any

import msgspec


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One fault, `at` real seconds after the first call. `how` holds what its kind needs (see `schedule`)."""

    at: float
    kind: str
    how: dict[str, Any]


#: Families of faults. A plan takes a turn through all of them before any comes again.
KINDS = (
    "kill_node",
    "stall_node",
    "kill_database",
    "restart_database",
    "cut_database",
    "stall_database",  # F2: stands still
    "lock_table",  # F5
    "refuse_writes",  # F5: serialisation failures, deadlocks, lock time-outs
    "crowd_database",  # F5: strangers take its connections
    "lose_commits",  # F3: the answer of a commit is lost
    "notifications",
    "lose_changes",  # presence
    "graph",
    "connector",
    "cloud_unheard",  # requests to the cloud and the CRM are lost before the act
    "cloud_mute",  # ... after the act
    "cloud_slow",
    "lose_acknowledgements",
    "imis",
)

_TABLES = ("calls", "inbox", "outbox", "agents", "offers", "history", "timers", "leases", "audit_heads")
_IMIS = (
    "throttle",
    "error",
    "html",
    "sign_in_page",
    "unauthorized",
    "slow",
    "cut",
    "created_then_error",
    "created_then_cut",
    "late_commit",
    "huge",
    "drip",
)


def schedule(seed: int, seconds: float, *, nodes: int, every_s: float = 1.2) -> list[Fault]:
    """Faults for so many real seconds, about one every `every_s`. The same arguments give the same plan."""
    dice = random.Random(f"chaos/{seed}")
    found: list[Fault] = []
    turn: list[str] = []
    at = 0.0
    while (at := at + dice.uniform(0.4, 1.6) * every_s) < seconds:
        turn = turn or dice.sample(KINDS, len(KINDS))
        kind = turn.pop()
        found.append(Fault(at=round(at, 2), kind=kind, how=_how(kind, dice, nodes)))
    return found


def _how(kind: str, dice: random.Random, nodes: int) -> dict[str, Any]:
    node = {"node": dice.randrange(nodes)}
    match kind:
        case "kill_node":
            return {**node, "back_after_s": round(dice.uniform(0.0, 1.0), 2)}
        case "stall_node":
            return {**node, "seconds": round(dice.uniform(0.5, 3.0), 2)}
        case "cut_database":
            return node
        case "stall_database" | "crowd_database":
            return {"seconds": round(dice.uniform(0.5, 3.0), 2)}
        case "lock_table":
            return {"table": dice.choice(_TABLES), "seconds": round(dice.uniform(0.5, 3.0), 2)}
        case "refuse_writes":
            state = dice.choice(["40001", "40P01", "55P03", "57014"])
            return {"table": dice.choice(_TABLES), "sqlstate": state, "times": dice.randint(1, 5), "seconds": 2.0}
        case "lose_commits":
            return {**node, "seconds": round(dice.uniform(0.1, 0.6), 2)}
        case "cloud_unheard" | "cloud_mute" | "lose_acknowledgements":
            return {"seconds": round(dice.uniform(0.1, 0.5), 2)}
        case "cloud_slow":
            return {"by_s": round(dice.uniform(0.2, 1.0), 2), "seconds": round(dice.uniform(0.5, 1.5), 2)}
        case "notifications":
            return {"seconds": round(dice.uniform(1.0, 3.0), 2), "faults": _notifications(dice)}
        case "lose_changes":
            return {"seconds": round(dice.uniform(1.0, 3.0), 2), "share": 0.7}
        case "graph" | "connector":
            return _failing(dice)
        case "imis":
            return _imis(dice)
        case _:
            return {}


def _notifications(dice: random.Random) -> dict[str, Any]:
    names = dice.sample(["lose", "duplicate", "reorder", "delay"], 2)
    return {name: round(dice.uniform(0.2, 0.6), 2) for name in names} | {
        "copies": dice.choice([1, 1, 20]),
        "delay_s": round(dice.uniform(2.0, 25.0), 1),
        "capitalised": dice.random() < 0.3,
        "old_prefix": dice.random() < 0.3,
    }


def _failing(dice: random.Random) -> dict[str, Any]:
    status = dice.choice([429, 500, 502, 503, 504])
    asked = dice.choice(["", "0", "1", "4", "soon"]) if status in (429, 503) else ""
    return {
        "kind": dice.choice(["status", "status", "page", "half", "huge", "drip"]),
        "status": status,
        "times": dice.randint(1, 4),
        "after": dice.random() < 0.5 and status in (500, 502, 504),  # 429 and 503 say that nothing was done
        "retry_after": asked,
    }


def _imis(dice: random.Random) -> dict[str, Any]:
    kind = dice.choice(_IMIS)
    times = 1 if kind == "unauthorized" else dice.randint(1, 2)  # twice: a person has to look after the sign-in
    return {
        "tenant": dice.randrange(2),
        "fault": {
            "kind": kind,
            "times": times,
            "path": "/api/Activity",
            "retry_after": dice.choice(["", "1", "3"]) if kind == "throttle" else "",
            "delay_s": round(dice.uniform(2.0, 30.0), 1),
        },
    }
