"""Sounds that Graph plays: WAV files, 16 kHz, mono, 16-bit PCM. Read, checked, put together.

In here a sound is its samples: bytes, two for each, little-endian. Microsoft, "playPrompt": the file must be WAV, mono,
16 bit, 16,000 samples a second.
"""

import io
import wave
from collections.abc import Sequence

from cordpair.errors import Rejected

RATE = 16_000
_WIDTH = 2
_BYTES_A_SECOND = RATE * _WIDTH
LONGEST_S = 600.0  #: of an uploaded sound
_HOW = "convert it: ffmpeg -i FILE -ar 16000 -ac 1 -c:a pcm_s16le NEW.wav"


def read_wav(data: bytes) -> bytes:
    """The samples of an uploaded file. Raises Rejected, naming what is wrong with it and how to convert it."""
    try:
        with wave.open(io.BytesIO(data)) as file:
            channels, width, rate, count = (
                file.getnchannels(),
                file.getsampwidth(),
                file.getframerate(),
                file.getnframes(),
            )
            samples: bytes = file.readframes(count)
    except (wave.Error, EOFError) as exc:
        raise Rejected(f"it is no WAV file with PCM sound; {_HOW}") from exc
    wrong = [
        f"{has} instead of {wanted}"
        for has, wanted in (
            (f"{channels} channels", "1 channels"),
            (f"{8 * width} bit", "16 bit"),
            (f"{rate} Hz", f"{RATE} Hz"),
        )
        if has != wanted
    ]
    if wrong:
        raise Rejected(f"it has {', '.join(wrong)}; {_HOW}")
    if not samples:
        raise Rejected("it holds no sound")
    if len(samples) != count * _WIDTH:
        raise Rejected("it ends in the middle of its sound: it was not copied whole")
    if seconds_of(samples) > LONGEST_S:
        raise Rejected(f"it is longer than {LONGEST_S:g} s")
    return samples


def seconds_of(samples: bytes) -> float:
    return len(samples) / _BYTES_A_SECOND


def filled_s(parts_s: Sequence[float], fill_s: float) -> float:
    """How long `put_together` plays."""
    return fill_s if fill_s > 0 else sum(parts_s)


def put_together(parts: Sequence[bytes], fill_s: float = 0.0) -> bytes:
    """One WAV file of the parts, one after the other; again and again for exactly `fill_s` seconds, if more than 0."""
    samples: bytes = b"".join(parts)
    if fill_s > 0:
        length = int(fill_s * RATE) * _WIDTH
        samples = (samples * (length // max(len(samples), 1) + 1))[:length] if samples else bytes(length)
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(_WIDTH)
        file.setframerate(RATE)
        file.writeframes(samples)
    return out.getvalue()
