"""Texts spoken by eSpeak NG, where it is installed (Debian and Ubuntu: `apt install espeak-ng`). A process for a text.

It speaks at 22,050 samples a second; Graph plays 16,000. What lies between is reckoned anew by a windowed sinc.
"""

import asyncio
import io
import math
import shutil
import struct
import wave
from fractions import Fraction

from cordpair.errors import PermanentFailure, Rejected, TemporaryFailure

_WANTED = 16_000
_VOICES = {"de": "de", "en": "en-gb", "fr": "fr", "it": "it", "es": "es", "nl": "nl", "pl": "pl"}
_WORDS_A_MINUTE = 145
_LONGEST_TEXT = 2_000
_TIMEOUT_S = 20.0
_HALF = 8  #: samples on each side that a new one is reckoned from


class Espeak:
    """`kit.Speech`. Not installed, it speaks no language."""

    name = "espeak-ng"

    def __init__(self, program: str = "espeak-ng") -> None:
        self._program = shutil.which(program)

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(_VOICES) if self._program else ()

    async def speak(self, text: str, language: str) -> bytes:
        """The samples of a spoken text: 16 kHz, mono, 16 bit.

        Raises Rejected for a text that is too long or a language without a voice, TemporaryFailure when it hangs,
        PermanentFailure when it says nothing.
        """
        if self._program is None or language not in _VOICES:
            raise Rejected(f"nothing here speaks {language}")
        if len(text) > _LONGEST_TEXT:
            raise Rejected(f"the text is longer than {_LONGEST_TEXT} characters")
        command = (self._program, "-v", _VOICES[language], "-s", str(_WORDS_A_MINUTE), "--stdin", "--stdout")
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                spoken, _ = await process.communicate(text.encode())
        except TimeoutError as exc:
            raise TemporaryFailure("espeak-ng says nothing") from exc
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return await asyncio.to_thread(_samples, spoken)


def _samples(spoken: bytes) -> bytes:
    """The samples of what it wrote. On a pipe it cannot say how long that will be: the header's length is not true."""
    try:
        with wave.open(io.BytesIO(spoken)) as file:
            rate, form = file.getframerate(), (file.getnchannels(), file.getsampwidth())
    except (wave.Error, EOFError) as exc:
        raise PermanentFailure("espeak-ng gave no sound") from exc
    begin = spoken.find(b"data") + 8
    raw = spoken[begin : begin + (len(spoken) - begin) // 2 * 2]
    if form != (1, 2) or not raw:
        raise PermanentFailure("espeak-ng gave no sound of one channel and 16 bit")
    return resampled(raw, rate)


def resampled(samples: bytes, rate: int, wanted: int = _WANTED) -> bytes:
    """The same sound with another rate: each new sample from its neighbours, nothing above half the lower rate."""
    if rate == wanted:
        return samples
    ratio = Fraction(rate, wanted)
    old = struct.unpack(f"<{len(samples) // 2}h", samples)
    padded = (*[0] * _HALF, *old, *[0] * _HALF)
    phases = [
        _taps(Fraction(number * ratio.numerator % ratio.denominator, ratio.denominator), rate, wanted)
        for number in range(ratio.denominator)
    ]
    new = []
    for number in range(int(len(old) / ratio)):
        first = number * ratio.numerator // ratio.denominator + 1
        taps = phases[number % ratio.denominator]
        value = sum(tap * sample for tap, sample in zip(taps, padded[first : first + 2 * _HALF], strict=False))
        new.append(max(-32_768, min(32_767, round(value))))
    return struct.pack(f"<{len(new)}h", *new)


def _taps(phase: Fraction, rate: int, wanted: int) -> list[float]:
    """The weights of the neighbours of a point that lies `phase` behind one of the old samples."""
    cut = min(1.0, wanted / rate)
    taps = []
    for number in range(-_HALF + 1, _HALF + 1):
        distance = number - float(phase)
        window = 0.5 + 0.5 * math.cos(math.pi * distance / _HALF) if abs(distance) < _HALF else 0.0
        sinc = 1.0 if distance == 0 else math.sin(math.pi * cut * distance) / (math.pi * cut * distance)
        taps.append(cut * sinc * window)
    whole = sum(taps)
    return [tap / whole for tap in taps]
