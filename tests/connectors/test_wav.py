"""Sounds that can be played, sounds that cannot and why, and sounds made of several."""

import io
import wave

import pytest

from cordpair.connectors.teams.wav import LONGEST_S, put_together, read_wav, seconds_of
from cordpair.errors import Rejected

SECOND = bytes(range(200)) * 160


def wav(samples: bytes = SECOND, channels: int = 1, width: int = 2, rate: int = 16_000) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((channels, width, rate, 0, "NONE", ""))
        file.writeframes(samples)
    return out.getvalue()


def test_a_file_of_the_right_form_is_read() -> None:
    assert read_wav(wav()) == SECOND


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (wav(channels=2), "2 channels instead of 1 channels"),
        (wav(width=1), "8 bit instead of 16 bit"),
        (wav(rate=44_100), "44100 Hz instead of 16000 Hz"),
        (b"ID3 music", "no WAV file with PCM sound"),
        (b"", "no WAV file with PCM sound"),
        (wav(b""), "holds no sound"),
        (wav()[:-100], "ends in the middle"),
        (wav(bytes(int(32_000 * (LONGEST_S + 1)))), "longer than 600 s"),
    ],
)
def test_a_file_that_cannot_be_played_is_refused_with_what_is_wrong(data: bytes, words: str) -> None:
    with pytest.raises(Rejected, match=words):
        read_wav(data)


def test_who_has_a_file_of_another_form_is_told_how_to_convert_it() -> None:
    with pytest.raises(Rejected, match="ffmpeg -i FILE -ar 16000 -ac 1"):
        read_wav(wav(rate=8_000))


def test_parts_are_played_one_after_the_other() -> None:
    assert read_wav(put_together([SECOND, SECOND[:100]])) == SECOND + SECOND[:100]


def test_a_part_fills_its_time_exactly() -> None:
    filled = read_wav(put_together([SECOND], fill_s=2.5))

    assert filled == (SECOND * 3)[: len(filled)]
    assert seconds_of(filled) == 2.5


def test_nothing_fills_its_time_with_silence() -> None:
    assert read_wav(put_together([], fill_s=1)) == bytes(32_000)
