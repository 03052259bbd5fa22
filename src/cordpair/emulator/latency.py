"""How fast the product was, from the journal, in real milliseconds."""

from typing import Any

from cordpair.emulator.journal import Journal


def latencies(journal: Journal) -> dict[str, Any]:
    """Per incoming call: when its notification left, how long the 202 took, when the first ring card was there.

    A ring card is one with a "Not now" whose offer is the client context of one of the call's invites.
    """
    calls: dict[str, dict[str, Any]] = {}
    offers: dict[str, str] = {}
    cards: list[tuple[float, str]] = []
    acknowledged: list[float] = []
    for entry in journal.entries:
        match entry["kind"]:
            case "notification":
                acknowledged.append(entry["took_ms"])
                if entry["change"].lower() == "created":
                    sent = entry["real_ms"] - entry["took_ms"]
                    calls.setdefault(entry["graph_id"], {"sent_ms": sent, "acknowledged_ms": entry["took_ms"]})
            case "ring" if entry["context"]:
                offers[entry["context"]] = entry["graph_id"]
            case "card posted":
                cards += [
                    (entry["real_ms"], b["offer"]) for b in entry["buttons"] if b["verb"] == "not_now" and "offer" in b
                ]
    for at, offer in cards:
        call = calls.get(offers.get(offer, ""))
        if call is not None and "card_ms" not in call:
            call["card_ms"] = round(at - call["sent_ms"], 2)
    return {"calls": calls, "notifications_acknowledged_ms": acknowledged}
