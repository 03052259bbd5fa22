"""J12: what the floor page says of a day, recomputed from the raw history of its calls."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

Row = dict[str, Any]
SHORT_S = 5.0  #: whoever leaves sooner counts as a short abandon
COUNTED = ("offered", "answered", "answered_in_target", "abandoned", "abandoned_short", "flowed_out", "waiting")


def differences(
    shown: dict[str, dict[str, dict[str, float]]],
    targets: dict[str, dict[str, float]],
    calls: Iterable[Row],
    history: Iterable[Row],
) -> Iterator[str]:
    """Where the page differs. `shown` holds its numbers by tenant and queue, `targets` the seconds of a good wait.

    All calls must have arrived on the day that the page shows.
    """
    connected = _connected(history)
    told: defaultdict[tuple[str, str], dict[str, float]] = defaultdict(lambda: dict.fromkeys((*COUNTED, "wait_s"), 0.0))
    for call in calls:
        if call["queue"] is not None:
            _count(told[call["tenant"], call["queue"]], call, connected, targets[call["tenant"]][call["queue"]])
    for tenant, queues in shown.items():
        for queue, numbers in queues.items():
            yield from _compare(f"{tenant}/{queue}", numbers, told[tenant, queue])


def _connected(history: Iterable[Row]) -> dict[str, Any]:
    """When each call was answered: the first entry that brought it there."""
    found: dict[str, Any] = {}
    for row in history:
        if row["after"] == "connected" and row["before"] != "connected":
            found.setdefault(row["call"], row["at"])
    return found


def _count(sums: dict[str, float], call: Row, connected: dict[str, Any], target_s: float) -> None:
    sums["offered"] += 1
    outcome = call["outcome"]
    if outcome is None:
        sums["waiting"] += 1
        return
    sums[outcome] += 1
    if outcome == "answered":
        # Where we learned of the agent only after the end, the wait is all that is known of the call.
        wait_s = (connected.get(call["call"], call["ended_at"]) - call["arrived_at"]).total_seconds()
        sums["wait_s"] += wait_s
        sums["answered_in_target"] += wait_s <= target_s
    if outcome == "abandoned" and call["ended_at"] is not None:
        sums["abandoned_short"] += (call["ended_at"] - call["arrived_at"]).total_seconds() < SHORT_S


def _compare(name: str, shown: dict[str, float], told: dict[str, float]) -> Iterator[str]:
    for number in COUNTED:
        if shown[number] != told[number]:
            yield f"J12 {name}: the page says {number} {shown[number]:g}, the history {told[number]:g}"
    if abs(shown["answer_wait_s"] - told["wait_s"]) > 0.01 * max(1.0, told["answered"]):
        yield f"J12 {name}: the page says {shown['answer_wait_s']:.1f} s of waiting, the history {told['wait_s']:.1f} s"
