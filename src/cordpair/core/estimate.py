"""How long a call will wait: by its place among those who wait. Pure.

With k calls before it, n agents who serve mu calls a second each, and callers who give up at a rate of theta, the wait
is k + 1 steps, the one with i calls before it at a rate of n mu + i theta. Its mean is the sum of 1 / rate, its
variance the sum of 1 / rate^2. Where agents or handling time are not known, whoever waits longest says how long it is.
"""

import itertools
import math
from collections.abc import Sequence
from datetime import datetime

import msgspec

from cordpair.core.agent import AgentState
from cordpair.core.at_work import AT_WORK
from cordpair.core.call import Call
from cordpair.core.floor import Floor
from cordpair.core.ids import QueueId
from cordpair.core.pace import Pace
from cordpair.core.tenant import queue_named

#: Four of five callers wait no longer than the mean and so many standard deviations.
P80 = 0.84
#: Minutes that are said: no more precise than an estimate is.
BANDS_MIN = (1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60)
#: So many places are reckoned one by one; who stands behind them waits longer than is ever said.
MOST_PLACES = 2_000


class Wait(msgspec.Struct, frozen=True):
    """An estimate: seconds on average, and what four of five callers will not exceed. `by_place`: not the fallback."""

    mean_s: float
    p80_s: float
    by_place: bool = True

    @property
    def minutes(self) -> int:
        """What is said of it: a band of minutes, rounded up."""
        wanted = self.p80_s / 60
        return next((band for band in BANDS_MIN if wanted <= band), BANDS_MIN[-1])


def wait_of(ahead: int, agents: int, pace: Pace) -> Wait | None:
    """The wait with so many calls before it and so many agents at work; None where that cannot be reckoned."""
    if agents <= 0 or pace.aht_s <= 0:
        return None
    served = agents / pace.aht_s
    steps = [1 / (served + place * pace.leave_rate) for place in range(min(ahead, MOST_PLACES) + 1)]
    mean = math.fsum(steps)
    return Wait(mean, mean + P80 * math.sqrt(math.fsum(step * step for step in steps)))


def expected_wait(floor: Floor, queue: QueueId, ahead: int, at: datetime) -> Wait | None:
    """How long a call will wait in a queue with `ahead` calls before it; None when nothing is known. 0 for one whom an
    idle agent can take now.
    """
    if ahead < floor.at_work.ready(queue):
        return Wait(0.0, 0.0)
    plan = queue_named(floor.queues, queue).plan
    able = max(floor.router.present(step.need(queue)) for step in plan)
    found = wait_of(ahead, min(floor.at_work.at_work(queue), able), floor.paces.of(queue))
    return found or _by_oldest(floor, queue, at)


def reckoned(ahead: int, states: Sequence[AgentState], pace: Pace) -> Wait | None:
    """The same by place alone, for a queue whose agents are in these states, whatever else they could do."""
    if ahead < states.count(AgentState.READY):
        return Wait(0.0, 0.0)
    return wait_of(ahead, sum(state in AT_WORK for state in states), pace)


def place_of(floor: Floor, call: Call) -> int:
    """How many calls of its queue go before a call that waits there."""
    if call.queue is None:
        return 0
    own = _order(call)
    others = itertools.chain(floor.waiting_calls(call.queue), floor.callbacks.places_in(call.queue))
    return sum(1 for other in others if other.id != call.id and _order(other) < own)


def _by_oldest(floor: Floor, queue: QueueId, at: datetime) -> Wait | None:
    """As long as whoever waits longest has waited."""
    oldest = min((call.waits_since for call in floor.waiting_calls(queue)), default=None)
    if oldest is None:
        return None
    waited_s = max(0.0, (at - oldest).total_seconds())
    return Wait(waited_s, waited_s, by_place=False)


def _order(call: Call) -> tuple[float, int]:
    return call.waits_since.timestamp() - call.credit_s, call.sequence
