"""How fast the product was, from the journal, in real milliseconds."""

from typing import Any

from cordpair.emulator.journal import Journal


def latencies(journal: Journal) -> dict[str, Any]:
    """Per call: how long the 202 to its arrival took, and how long its first ring card after it was established.

    `card_ms` runs from the moment the notification `established` left until the card stood in the agent's chat; before
    that notification no agent may be rung. It holds the wait for an agent where nobody was free. A ring card is one
    with a "Not now" whose offer is the client context of one of the call's invites.
    """
    calls: dict[str, dict[str, Any]] = {}
    established: dict[str, float] = {}
    offers: dict[str, str] = {}
    cards: list[tuple[float, str]] = []
    acknowledged: list[float] = []
    for entry in journal.entries:
        match entry["kind"]:
            case "notification":
                acknowledged.append(entry["took_ms"])
                call, sent = calls.setdefault(entry["graph_id"], {}), entry["real_ms"] - entry["took_ms"]
                if entry["change"].lower() == "created":
                    call.setdefault("acknowledged_ms", entry["took_ms"])
                if _state(entry["data"]) == "established":
                    established.setdefault(entry["graph_id"], sent)
            case "ring" if entry["context"]:
                offers[entry["context"]] = entry["graph_id"]
            case "card posted":
                cards += [
                    (entry["real_ms"], b["offer"]) for b in entry["buttons"] if b["verb"] == "not_now" and "offer" in b
                ]
    for at, offer in cards:
        graph_id = offers.get(offer, "")
        if graph_id in established:
            calls[graph_id].setdefault("card_ms", round(at - established[graph_id], 2))
    return {"calls": calls, "notifications_acknowledged_ms": acknowledged}


def _state(data: Any) -> str:
    return str(data.get("state", "")).lower() if isinstance(data, dict) else ""
