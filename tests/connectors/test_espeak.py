"""Texts are spoken where eSpeak NG is installed, and nothing is where it is not."""

import math
import shutil
import struct

import pytest

from cordpair.connectors.speech.espeak import Espeak, resampled
from cordpair.connectors.teams.wav import seconds_of
from cordpair.errors import Rejected

installed = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


def sine(rate: int, frequency: float = 440.0) -> tuple[float, ...]:
    return tuple(8_000 * math.sin(2 * math.pi * frequency * n / rate) for n in range(rate // 10))


def packed(samples: tuple[float, ...]) -> bytes:
    return struct.pack(f"<{len(samples)}h", *(int(sample) for sample in samples))


def test_a_tone_keeps_its_pitch_at_another_rate() -> None:
    new = struct.unpack("<1600h", resampled(packed(sine(22_050)), 22_050))

    assert max(abs(a - b) for a, b in zip(new[50:-50], sine(16_000)[50:-50], strict=True)) < 40


def test_what_the_lower_rate_cannot_hold_is_left_out() -> None:
    new = struct.unpack("<1600h", resampled(packed(sine(22_050, 10_500.0)), 22_050))

    assert max(abs(sample) for sample in new[50:-50]) < 1_500


async def test_not_installed_it_speaks_no_language() -> None:
    nobody = Espeak("no-such-program-here")

    assert nobody.languages == ()
    with pytest.raises(Rejected, match="nothing here speaks de"):
        await nobody.speak("Guten Tag", "de")


@installed
async def test_a_longer_text_takes_longer() -> None:
    short, long = [seconds_of(await Espeak().speak(text, "de")) for text in ("Ja.", "Sie sind gleich dran. " * 3)]

    assert 0.2 < short < long


@installed
async def test_a_text_that_begins_like_an_option_is_only_spoken() -> None:
    assert seconds_of(await Espeak().speak("--version", "en")) > 0.2


@installed
async def test_a_book_is_not_spoken() -> None:
    with pytest.raises(Rejected, match="longer than 2000"):
        await Espeak().speak("a " * 1_001, "en")
