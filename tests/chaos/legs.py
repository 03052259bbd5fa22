"""J2, agent by agent: who is written down as a party of a call did stand in it, and their stay has come to its end."""

from collections import Counter
from collections.abc import Iterator

from tests.chaos.evidence import Evidence


def legs(seen: Evidence) -> Iterator[str]:
    """Leg 0 is the caller's, positive ones are those of agents who answered. A negative one says only that an agent
    stood there, told by a roster of that number when another agent had answered: it has no length. A caller who was
    passed on may have come back to an agent, who has two then.
    """
    stood = {(truth["tenant"], truth["graph_id"], stay["user"]) for truth in seen.truth for stay in truth["stays"]}
    graph_ids = {(call["tenant"], call["call"]): call["body"]["graph_id"] for call in seen.calls}
    passed_on = {row["call"] for row in seen.history if row["what"] in ("TransferRang", "Requeued")}
    answered = Counter((leg["tenant"], leg["call"], leg["agent"]) for leg in seen.legs if leg["number"] > 0)
    for leg in seen.legs:
        name = f"leg {leg['number']} of call {leg['call']}"
        who = (leg["tenant"], graph_ids.get((leg["tenant"], leg["call"])), leg["agent"])
        if (leg["number"] == 0) != (leg["agent"] is None):
            yield f"J2 {name} is the wrong party's"
        elif leg["agent"] is not None and who not in stood:
            yield f"J2 {name} is of somebody who never stood in it"
        if leg["left_at"] is None or (leg["number"] < 0 and leg["left_at"] != leg["joined_at"]):
            yield f"J2 {name} does not end as it should"
    for call in seen.calls:
        count = answered[call["tenant"], call["call"], call["agent"]]
        once = count == 1 or (count > 1 and call["call"] in passed_on)
        if call["outcome"] == "answered" and not once:
            yield f"J2 call {call['call']} has {count} legs of the agent who answered it"
