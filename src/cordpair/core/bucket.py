"""How fast one organisation's requests may go to one peer: a token bucket, narrowed while the peer asks for less. Pure.

A bucket belongs to the node that owns the tenant, which alone performs its effects. A new owner begins with an empty
one: whatever the former owner spent last, both together stay within the rate. What the peer has asked for (a pause, a
lowered rate) is kept in the store and taken over.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from cordpair.core.effects import Lane

RECOVERY_S = 300.0  #: from a standstill to the full rate; each throttling halves what is left of it
LEAST_SHARE = 1 / 16


class Peer(StrEnum):
    """Who is asked to do something; each has limits of its own per organisation."""

    GRAPH = "graph"
    BOT = "bot"
    CRM = "crm"


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """`per_s` tokens a second, at most `burst` at once, of which `reserve` are left to urgent lanes."""

    per_s: float
    burst: float
    reserve: float = 0.0


#: Microsoft: a bot sends 50 requests a second per app and tenant; no second holds more than rate and burst.
#: For calls it publishes none by the second; 2,000 a
#: second are all that an app gets, and a hundred calls that begin at once (its limit) fit into one burst here.
#: iMIS publishes none; ten a second is what one desk of people could cause.
RATES: Mapping[Peer, Rate] = {
    Peer.GRAPH: Rate(per_s=50.0, burst=100.0, reserve=25.0),
    Peer.BOT: Rate(per_s=35.0, burst=15.0),
    Peer.CRM: Rate(per_s=10.0, burst=10.0),
}

#: Seconds of the clock within which a peer may still carry out what we have no answer to. Before that a look proves
#: nothing. A web server of ASP.NET ends a request after 110 s. What Graph is asked is over within our time-outs, and a
#: look there (or a 409) tells at once; a caller who rings has no time to wait.
QUARANTINE_S: Mapping[Peer, float] = {Peer.GRAPH: 0.0, Peer.BOT: 0.0, Peer.CRM: 120.0}
#: No connector may ask for longer: a write to a CRM whose worker was killed waits so long, whichever CRM it is.
#: Requests of Salesforce and Dataverse end after 120 s.
LONGEST_QUARANTINE_S = 130.0

#: Whom a lane asks, and how many requests one of its effects makes (a check: keep-alive, call, roster).
PEERS: Mapping[Lane, Peer] = {
    Lane.ANSWER: Peer.GRAPH,
    Lane.CONTROL: Peer.GRAPH,
    Lane.CARD: Peer.BOT,
    Lane.PROMPT: Peer.GRAPH,
    Lane.CHECK: Peer.GRAPH,
    Lane.CRM: Peer.CRM,
}
COSTS: Mapping[Lane, int] = {lane: 3 if lane is Lane.CHECK else 1 for lane in Lane}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a peer has asked for. Nothing goes before `until`, nothing but urgent lanes before `bulk_until`.

    `share` (LEAST_SHARE..1) of the rate held at `since`; it grows back to the whole within RECOVERY_S.
    """

    since: datetime
    until: datetime
    bulk_until: datetime
    share: float = 1.0

    def share_at(self, now: datetime) -> float:
        return min(1.0, self.share + max((now - self.since).total_seconds(), 0.0) / RECOVERY_S)


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """`tokens` there were at `at`; fewer than none after effects that could not wait."""

    rate: Rate
    tokens: float
    at: datetime
    asked: Asked | None = None


def is_urgent(lane: Lane) -> bool:
    """Whether somebody waits for it this second: a caller who rings, an agent who is rung."""
    return lane <= Lane.CARD


def filled(bucket: Bucket, now: datetime) -> Bucket:
    """The bucket as it stands at `now`. A clock that went back fills nothing, and from there on it fills again."""
    passed = (now - bucket.at).total_seconds()
    if passed <= 0:
        return replace(bucket, at=now)
    asked = bucket.asked
    share = 1.0 if asked is None else (asked.share_at(bucket.at) + asked.share_at(now)) / 2
    return replace(bucket, tokens=min(bucket.rate.burst, bucket.tokens + passed * bucket.rate.per_s * share), at=now)


def allowed(bucket: Bucket, lane: Lane, now: datetime) -> int:
    """How many effects of `lane` may begin at `now`."""
    if bucket.asked is not None and _pause_s(bucket.asked, lane, now) > 0:
        return 0
    usable = filled(bucket, now).tokens - (0.0 if is_urgent(lane) else bucket.rate.reserve)
    return max(int(usable / COSTS[lane] + 1e-9), 0)


def spent(bucket: Bucket, lane: Lane, now: datetime, *, times: int = 1) -> Bucket:
    """`times` effects of `lane` begin, whether or not there is enough for them."""
    bucket = filled(bucket, now)
    return replace(bucket, tokens=bucket.tokens - times * COSTS[lane])


def turn_s(bucket: Bucket, lane: Lane, now: datetime) -> float:
    """Seconds from `now` until what was spent last is there, and the peer wants to hear of `lane` again."""
    asked, share, pause_s = bucket.asked, 1.0, 0.0
    if asked is not None:
        share = asked.share_at(now)
        pause_s = _pause_s(asked, lane, now)
    return max(-bucket.tokens / (bucket.rate.per_s * share), pause_s, 0.0)


def _pause_s(asked: Asked, lane: Lane, now: datetime) -> float:
    """Seconds for which the peer wants to hear nothing of `lane`; never more than it asked for, whatever clocks do."""
    until = asked.until if is_urgent(lane) else asked.bulk_until
    return min((until - now).total_seconds(), max((until - asked.since).total_seconds(), 0.0))


def throttled(bucket: Bucket, lane: Lane, now: datetime, pause_s: float) -> Bucket:
    """The peer has asked for less, in answer to `lane`: a pause of `pause_s`, then half of the rate.

    What urgent lanes may do is only taken away by an answer to one of them: a prompt that is throttled does not leave
    a caller ringing. Of two pauses the longer one holds.
    """
    until, former = now + timedelta(seconds=pause_s), bucket.asked
    share = max((former.share_at(now) if former else 1.0) / 2, LEAST_SHARE)
    bulk_until = until if former is None else max(until, former.bulk_until)
    urgent_until = (until if is_urgent(lane) else now) if former is None else former.until
    if is_urgent(lane):
        urgent_until = max(urgent_until, until)
    asked = Asked(since=now, until=urgent_until, bulk_until=bulk_until, share=share)
    bucket = filled(bucket, now)
    return replace(bucket, tokens=min(bucket.tokens, 0.0) if is_urgent(lane) else bucket.tokens, asked=asked)


def opened(peer: Peer, now: datetime) -> Bucket:
    """The bucket of a new owner."""
    return Bucket(rate=RATES[peer], tokens=0.0, at=now)
