"""What a contact asks for, and what an agent can do: attributes, requirements on them, memberships of queues.

routing.md section 6, "Objects". A requirement is data (it can be written in a setup and compared), not a program.
"""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum

import msgspec

from cordpair.core.ids import QueueId

Value = str | float  #: of an attribute: a word, or a level
Attributes = tuple[tuple[str, Value], ...]

#: The level of a skill that is only named.
HAS_SKILL = 1.0


class Comparison(StrEnum):
    EQUAL = "="
    DIFFERENT = "!="
    AT_LEAST = ">="
    AT_MOST = "<="
    ONE_OF = "in"


class Compare(msgspec.Struct, frozen=True, tag="compare", tag_field="kind"):
    """One attribute compared with a value; with several for `in`.

    An attribute that the agent has not is different from everything, and neither at least nor at most anything. Words
    and levels do not compare: a test of one against the other is false.
    """

    attribute: str
    comparison: Comparison
    value: str | float | tuple[str | float, ...]

    def holds(self, attributes: Mapping[str, Value]) -> bool:
        has = attributes.get(self.attribute)
        match self.comparison:
            case Comparison.EQUAL:
                return has == self.value
            case Comparison.DIFFERENT:
                return has != self.value
            case Comparison.ONE_OF:
                return isinstance(self.value, tuple) and has in self.value
            case Comparison.AT_LEAST:
                return isinstance(has, float) and isinstance(self.value, int | float) and has >= self.value
            case Comparison.AT_MOST:
                return isinstance(has, float) and isinstance(self.value, int | float) and has <= self.value


class AllOf(msgspec.Struct, frozen=True, tag="all", tag_field="kind"):
    """Every part holds; so does nothing at all."""

    parts: "tuple[Compare | AllOf | AnyOf, ...]"

    def holds(self, attributes: Mapping[str, Value]) -> bool:
        return all(part.holds(attributes) for part in self.parts)


class AnyOf(msgspec.Struct, frozen=True, tag="any", tag_field="kind"):
    """At least one part holds."""

    parts: "tuple[Compare | AllOf | AnyOf, ...]"

    def holds(self, attributes: Mapping[str, Value]) -> bool:
        return any(part.holds(attributes) for part in self.parts)


Requirement = Compare | AllOf | AnyOf


class AgentOrder(StrEnum):
    """Which of the idle agents who can serve a contact is rung first; equal ones by load, idle time and id."""

    LONGEST_IDLE = "longest_idle"
    BEST_SKILL = "best_skill"  #: the highest sum of the levels that the need speaks of
    LEAST_LOADED = "least_loaded"  #: the smallest used share of the capacity
    ROUND_ROBIN = "round_robin"  #: whoever was offered a call least recently

    __hash__ = str.__hash__  # Enum's own is a function of Python, and a need is hashed with every contact


class Channel(StrEnum):
    VOICE = "voice"
    CALLBACK = "callback"
    TASK = "task"

    __hash__ = str.__hash__


class Need(msgspec.Struct, frozen=True):
    """What a contact asks for: an agent of `queue` who has all of `skills` and meets `require`."""

    queue: QueueId
    skills: frozenset[str] = frozenset()
    require: Requirement | None = None
    order: AgentOrder = AgentOrder.LONGEST_IDLE
    channel: Channel = Channel.VOICE

    def met_by(self, attributes: Mapping[str, Value]) -> bool:
        """Whether these attributes are enough."""
        return self.skills <= attributes.keys() and (self.require is None or self.require.holds(attributes))

    def level_of(self, attributes: Mapping[str, Value]) -> float:
        """The sum of the levels among `attributes` that this need speaks of."""
        spoken_of = self.skills.union(*([] if self.require is None else [spoken(self.require)]))
        levels = (attributes.get(name, 0.0) for name in spoken_of)
        return sum(level for level in levels if isinstance(level, float))


def spoken(requirement: Requirement) -> frozenset[str]:
    """The attributes that a requirement speaks of."""
    if isinstance(requirement, Compare):
        return frozenset({requirement.attribute})
    return frozenset[str]().union(*(spoken(part) for part in requirement.parts))


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is asked for from `after_s` after the arrival in the queue on; it replaces what was asked for before."""

    after_s: float = 0.0
    skills: frozenset[str] = frozenset()
    require: Requirement | None = None
    order: AgentOrder = AgentOrder.LONGEST_IDLE

    def need(self, queue: QueueId) -> Need:
        return Need(queue, self.skills, self.require, self.order)


def steps_are_in_order(steps: Sequence[Step]) -> bool:
    """Whether the first begins at once and each one later than the one before."""
    after = [step.after_s for step in steps]
    return after[:1] in ([], [0]) and after == sorted(set(after))


class Membership(msgspec.Struct, frozen=True, order=True, forbid_unknown_fields=True):
    """An agent's place in a queue. Queues of a lower `priority` come first for this agent, whoever waits longer.

    A contact is hidden from this agent until it has waited `delay_s`, its credit included.
    """

    queue: QueueId
    priority: int = 1
    delay_s: float = 0.0


class Ability(msgspec.Struct, frozen=True):
    """What some agents have in common: their queues and attributes, each sorted, so that equal ones are equal."""

    memberships: tuple[Membership, ...]
    attributes: Attributes

    @classmethod
    def of(
        cls,
        queues: Collection[QueueId | Membership],
        skills: Collection[str] = (),
        attributes: Mapping[str, Value] | Attributes = (),
    ) -> "Ability":
        """The ability of who serves `queues` with `skills` (of level 1 unless `attributes` names their level)."""
        memberships = (queue if isinstance(queue, Membership) else Membership(queue) for queue in queues)
        levels = dict.fromkeys(skills, HAS_SKILL) | {
            name: float(value) if isinstance(value, int) else value for name, value in dict(attributes).items()
        }
        return cls(tuple(sorted(memberships)), tuple(sorted(levels.items(), key=lambda item: item[0])))
