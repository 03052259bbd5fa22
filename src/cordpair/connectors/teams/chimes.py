"""The prompts that are there without being uploaded: short chimes, made here."""

import math
import struct
from functools import cache

from cordpair.connectors.teams.wav import RATE

#: Notes of each prompt: (frequency in Hz, seconds).
_MELODIES: dict[str, tuple[tuple[float, float], ...]] = {
    "greeting": ((523.25, 0.25), (659.25, 0.25), (783.99, 0.5)),
    "waiting": ((392.0, 0.4), (523.25, 0.4), (440.0, 0.8)),
}

CHIMES = tuple(_MELODIES)


@cache
def chime(prompt: str) -> bytes:
    """The samples of a built-in prompt."""
    return b"".join(_note(frequency, seconds) for frequency, seconds in _MELODIES[prompt])


def _note(frequency: float, seconds: float) -> bytes:
    """A sine that begins at once and dies away."""
    count = int(RATE * seconds)
    fade = (math.exp(-4 * n / count) for n in range(count))
    samples = (int(9_000 * f * math.sin(2 * math.pi * frequency * n / RATE)) for n, f in enumerate(fade))
    return b"".join(struct.pack("<h", sample) for sample in samples)
