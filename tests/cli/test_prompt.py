"""`cordpair prompt` as an operator runs it, on an installation with its own database."""

import io
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from cordpair.cli import prompt, tenant
from tests.databases import folder

EXAMPLE = Path(__file__).parents[2] / "docs" / "reference" / "organisation.toml"


@pytest.fixture(scope="module")
def installed() -> Iterator[None]:
    """A new data folder in which the example's organisation is set up."""
    with folder() as data, pytest.MonkeyPatch.context() as environment:
        environment.setenv("CORDPAIR_DATA_DIR", str(data))
        environment.setenv("LANG", "en_GB.UTF-8")
        environment.delenv("LC_ALL", raising=False)
        assert run("tenant", "apply", str(EXAMPLE)).exit_code == 0
        yield


pytestmark = pytest.mark.usefixtures("installed")


def run(*words: str) -> Result:
    app = typer.Typer()
    for module in (prompt, tenant):
        module.add_to(app)
    return CliRunner().invoke(app, words)


def wav(path: Path, seconds: float = 1.0, rate: int = 16_000) -> Path:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(bytes(2 * int(rate * seconds)))
    path.write_bytes(out.getvalue())
    return path


def test_an_uploaded_prompt_is_listed_by_the_name_of_its_file(tmp_path: Path) -> None:
    added = run("prompt", "add", str(wav(tmp_path / "harp.wav", 1.5)))

    assert added.stdout == "prompt harp, version 1: 1.5 s\n"
    assert "harp  version 1  1.5 s" in run("prompt", "list").stdout


def test_another_sound_of_the_same_name_is_its_next_version(tmp_path: Path) -> None:
    run("prompt", "add", str(wav(tmp_path / "a.wav", 1)), "--name", "bell")
    again = run("prompt", "add", str(wav(tmp_path / "a.wav", 1)), "--name", "bell")
    other = run("prompt", "add", str(wav(tmp_path / "a.wav", 2)), "--name", "bell", "--lang", "de")

    assert (again.stdout, other.stdout) == ("prompt bell, version 1: 1.0 s\n", "Ansage bell, Version 2: 2.0 s\n")


def test_a_file_that_cannot_be_played_is_refused_with_its_cure(tmp_path: Path) -> None:
    refused = run("prompt", "add", str(wav(tmp_path / "cd.wav", rate=44_100)))

    assert refused.exit_code == 1
    assert "44100 Hz instead of 16000 Hz; convert it: ffmpeg" in str(refused.exception)


def test_a_name_that_no_flow_could_say_is_refused(tmp_path: Path) -> None:
    assert "is no name for a prompt" in str(run("prompt", "add", str(wav(tmp_path / "Über uns.wav"))).exception)


def test_a_prompt_that_a_queue_says_stays_unless_it_is_forced(tmp_path: Path) -> None:
    run("prompt", "add", str(wav(tmp_path / "greeting.wav")))
    refused = run("prompt", "remove", "greeting")
    forced = run("prompt", "remove", "greeting", "--force")

    assert "is said by queues." in str(refused.exception)
    assert forced.stdout == "prompt greeting is gone\n"


def test_what_is_not_there_cannot_be_removed() -> None:
    assert "there is no prompt nothing" in str(run("prompt", "remove", "nothing").exception)
