"""What is said to a caller becomes one sound, of prompts, chimes and spoken texts."""

from cordpair.connectors.teams.chimes import chime
from cordpair.connectors.teams.wav import put_together, read_wav, seconds_of
from cordpair.core.flow import Say
from cordpair.engine.sounds import Sounds
from cordpair.errors import Rejected
from cordpair.store.doors import Store
from tests.engine.conftest import StandingClock
from tests.store.world import A, B, configured

HARP = bytes(range(200)) * 160


class Voice:
    """Speaks English, a hundredth of a second a letter, and remembers what it was asked."""

    name, languages = "voice", ("en",)

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def speak(self, text: str, language: str) -> bytes:
        self.asked.append(text)
        if language != "en":
            raise Rejected("nothing here speaks it")
        return bytes(320 * len(text))


async def sounds(store: Store, voice: Voice | None = None) -> Sounds:
    await configured(store, A)
    made = Sounds(store, StandingClock(), voice or Voice())
    await made.add(A, "harp", put_together([HARP]))
    return made


async def heard(made: Sounds, *say: Say, language: str = "en", fill_s: float = 0.0) -> bytes | None:
    """The samples that Graph fetches for what is said; None where there is nothing to be said."""
    sound = await made.ready(A, say, language, fill_s)
    if sound is None:
        return None
    data = await made.fetch(sound.name)
    assert data is not None
    assert seconds_of(read_wav(data)) == sound.seconds
    return read_wav(data)


async def test_a_prompt_and_a_text_are_one_sound(store: Store) -> None:
    assert await heard(await sounds(store), Say(prompt="harp"), Say(text="Hello")) == HARP + bytes(320 * 5)


async def test_a_chime_is_there_without_being_uploaded(store: Store) -> None:
    assert await heard(await sounds(store), Say(prompt="greeting")) == chime("greeting")


async def test_an_uploaded_prompt_stands_before_the_chime_of_its_name(store: Store) -> None:
    made = await sounds(store)
    await made.add(A, "greeting", put_together([HARP]))

    assert await heard(made, Say(prompt="greeting")) == HARP


async def test_a_text_is_spoken_once(store: Store) -> None:
    voice = Voice()
    made = await sounds(store, voice)
    await heard(made, Say(text="Hello"))
    await heard(made, Say(text="Hello"))

    assert voice.asked == ["Hello"]


async def test_what_cannot_be_spoken_is_left_out(store: Store) -> None:
    assert await heard(await sounds(store), Say(text="Ciao", language="it"), Say(prompt="harp")) == HARP


async def test_where_nothing_can_be_said_there_is_no_sound(store: Store) -> None:
    assert await heard(await sounds(store), Say(text="Ciao", language="it"), Say(prompt="nothing")) is None


async def test_music_fills_its_time(store: Store) -> None:
    filled = await heard(await sounds(store), Say(prompt="harp"), fill_s=2.5)

    assert filled == (HARP * 3)[:80_000]


async def test_a_sound_of_another_organisation_is_not_given_out(store: Store) -> None:
    made = await sounds(store)
    await configured(store, B)
    own = await made.ready(A, [Say(prompt="harp")], "en")
    assert own is not None

    assert await made.fetch(own.name.replace(A, B)) is None


async def test_what_is_no_name_of_a_sound_gives_nothing(store: Store) -> None:
    made = await sounds(store)

    assert [await made.fetch(name) for name in ("", "harp", f"mix/{A}/0/s.0000")] == [None] * 3
