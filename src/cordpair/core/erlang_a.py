"""The waiting side of Erlang A: the states in which all agents are busy, by how many wait.

With n agents busy and j calls waiting, calls leave at rate nμ + jθ. A call that comes then is answered after the j + 1
next departures, if its own patience lasts; with x = 1 - exp(-θT) the chance that these take no longer than T is the
incomplete beta function I_x(j + 1, nμ/θ), as for every sum of exponentials whose rates grow by θ. That its patience
outlasts them as well tilts each rate by θ: nμ / (nμ + (j+1)θ) · I_x(j + 1, nμ/θ + 1).
"""

import math

import msgspec

#: Terms smaller than this against the sum no longer count.
_NEGLIGIBLE = 1e-18
_TOO_LARGE = 1e200


class WaitingShares(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over j >= 0, relative to the state j = 0 which weighs `scale` (1, unless that were too many digits).

    `states` of the states' weights, `queue` of weight x calls waiting; `answered_in` and `abandoned_in` of weight x
    what becomes within T of a call that comes then.
    """

    states: float
    queue: float
    answered_in: float
    abandoned_in: float
    scale: float = 1.0


def waiting_shares(arrive: float, service: float, leave: float, within_s: float) -> WaitingShares:
    """The sums for arrivals, service by all agents together and leaving of one who waits: rates per second."""
    states = queue = answered_in = abandoned_in = 0.0
    weight = scale = 1.0
    outlasts = math.exp(-leave * within_s)
    served = _Beta(1 - outlasts, service / leave)
    tilted = _Beta(1 - outlasts, service / leave + 1)
    waiting = 0
    while weight > _NEGLIGIBLE * states or arrive > service + waiting * leave:
        in_time = tilted.value * service / (service + (waiting + 1) * leave)
        states += weight
        queue += weight * waiting
        answered_in += weight * in_time
        abandoned_in += weight * max(0.0, 1 - in_time - outlasts * (1 - served.value))
        waiting += 1
        weight *= arrive / (service + waiting * leave)
        served.step()
        tilted.step()
        if weight > _TOO_LARGE:  # far more comes than can be served
            states, queue, weight = states / _TOO_LARGE, queue / _TOO_LARGE, weight / _TOO_LARGE
            answered_in, abandoned_in = answered_in / _TOO_LARGE, abandoned_in / _TOO_LARGE
            scale /= _TOO_LARGE
    return WaitingShares(states=states, queue=queue, answered_in=answered_in, abandoned_in=abandoned_in, scale=scale)


class _Beta:
    """I_x(a, b) for a = 1, 2, 3 ..., by I_x(a+1, b) = I_x(a, b) - x^a (1-x)^b / (a B(a, b)) from 1 - (1-x)^b."""

    __slots__ = ("a", "b", "log_term", "log_x", "value")

    def __init__(self, x: float, b: float) -> None:
        self.a = 1
        self.b = b
        stays = b * math.log1p(-x) if x < 1 else -math.inf  # of nobody who waits within T
        self.log_x = math.log(x) if x > 0 else -math.inf
        self.value = -math.expm1(stays)
        self.log_term = self.log_x + math.log(b) + stays  # a term of a large system is too small for a float

    def step(self) -> None:
        """From a to a + 1."""
        self.value = max(0.0, self.value - math.exp(self.log_term))
        self.a += 1
        self.log_term += self.log_x + math.log((self.b + self.a - 1) / self.a)
