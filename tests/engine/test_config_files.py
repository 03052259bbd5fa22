"""Files of an organisation are read strictly: TOML, YAML, JSON or a folder; each mistake is said with its place."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordpair.engine.config_checked import read_checked
from cordpair.engine.config_files import Misread, Text, in_order, read_organisation
from cordpair.engine.config_places import KeyPath, toml_places
from cordpair.engine.config_yaml import yaml_document

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "docs" / "reference" / "organisation.toml").read_text(encoding="utf-8")

TRICKY = '''
plain = 1 # [not.a.table]
"quoted key" = "with # and [ and ] and }"
'literal.key' = 'it\\'
dotted.inner . last = true
empty = []
text = """
looks = "like a key"
[table]
"""
quotes = """a "" b"""""
list = [ [1, 2], [ "a,b", {x = 1, y.z = [3]} ], # a remark, with commas
  4,
]
[a.b]
c = 2026-01-02T03:04:05Z
[[items]]
name = "first"
[[items.parts]]
n = 1
[[items.parts]]
n = 2
[items.more]
k = {}
[[items]]
parts = [{n = 3}]
'''


def text(data: str, inside: str = "organisation.toml") -> Text:
    return Text(inside, inside, data.encode())


def refused(*texts: Text) -> tuple[str, ...]:
    with pytest.raises(Misread) as exc:
        read_checked(texts)
    return exc.value.lines


def paths(value: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*path, key)
        yield from paths(item, (*path, key))


def written(value: Any) -> str:
    """A value in TOML, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    return json.dumps(value)


@pytest.mark.parametrize("source", [EXAMPLE, TRICKY, (ROOT / "pyproject.toml").read_text(encoding="utf-8")])
def test_every_key_of_a_toml_text_has_a_place(source: str) -> None:
    assert set(toml_places("f", source)) == set(paths(tomllib.loads(source)))


@given(
    st.recursive(
        st.integers(-9, 9) | st.booleans() | st.text("ab#[]{}=\"'\\,. \t", max_size=6),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text("ab.#]\" '", max_size=3), inner, max_size=3)
        ),
        max_leaves=12,
    ).map(lambda value: {"root": value})
)
def test_no_value_hides_a_key_from_its_place(data: dict[str, Any]) -> None:
    source = "".join(f"{key} = {written(value)}\n" for key, value in data.items())
    assert set(toml_places("f", source)) == set(paths(tomllib.loads(source)))


def test_a_place_is_the_line_and_column_of_its_key() -> None:
    found = toml_places("f", TRICKY)
    wanted: dict[KeyPath, tuple[int, int]]
    wanted = {("list", 1, 1, "y", "z"): (12, 35), ("items", 0, "parts", 1, "n"): (22, 1), ("items", 1): (25, 1)}
    assert {path: (found[path].line, found[path].column) for path in wanted} == wanted


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("ring_timeout_s = 20", "ring_timout_s = 20"), 'unknown key "ring_timout_s"; did you mean "ring_timeout_s"?'),
        (("ring_timeout_s = 20", "wholly_strange = 1"), 'unknown key "wholly_strange"; known are id, name'),
        (("ring_timeout_s = 20", "ring_timeout_s = '20'"), "expected `float`, got `str`"),
        (("ring_timeout_s = 20", "ring_timeout_s = 5"), "ring_timeout_s must be at least 15"),
    ],
)
def test_a_mistake_is_said_with_line_and_column(change: tuple[str, str], said: str) -> None:
    line = 1 + EXAMPLE[: EXAMPLE.index(change[0])].count("\n")
    (found,) = refused(text(EXAMPLE.replace(*change, 1)))
    assert found.startswith(f"organisation.toml:{line}:1: ")
    assert said in found


def test_a_wrong_value_under_a_free_key_is_found_at_that_key() -> None:
    (found,) = refused(text(EXAMPLE.replace("tax = 3,", "tax = [3],")))
    assert "agents[0].attributes.tax: expected" in found


def test_all_unknown_keys_are_said_at_once() -> None:
    assert len(refused(text(EXAMPLE.replace("bot_name", "bot_nam").replace("wrap_up_s", "wrapup_s")))) == 2


def test_all_that_cannot_work_is_said_at_once() -> None:
    wrong = EXAMPLE.replace("ring_timeout_s = 20", "ring_timeout_s = 5").replace('region = "DE"', 'region = "XX"', 1)
    assert [line.partition(": ")[2].partition(":")[0] for line in refused(text(wrong))] == [
        "region",
        "queues.membership",
    ]


@pytest.mark.parametrize(
    ("name", "source", "place"),
    [
        ("o.toml", "a = 1\nb = ", "o.toml"),
        ("o.toml", "a = 1\nb = !", "o.toml:2:5"),
        ("o.yaml", "a: 1\nb: [", "o.yaml:2:"),
        ("o.yaml", "a: 1\na: 2", "o.yaml:2:1"),
        ("o.yaml", "a: 2026-13-45", "o.yaml:1:4"),
        ("o.json", '{\n"a": }', "o.json:2:6"),
        ("o.json", "[" * 200_000, "o.json"),
        ("o.yaml", "[" * 20_000, "o.yaml:1:1"),
        ("o.yaml", "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
            f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(8)), "o.yaml:1:"),
    ],
)  # fmt: skip
def test_what_is_no_data_is_refused_with_its_place(name: str, source: str, place: str) -> None:
    assert refused(text(source, name))[0].startswith(place)


def test_the_same_organisation_in_yaml_and_json_is_the_same() -> None:
    toml = read_checked([text(EXAMPLE)]).setup
    data = json.dumps(tomllib.loads(EXAMPLE), default=lambda at: at.isoformat())
    assert read_checked([text(data, "o.json")]).setup == toml
    assert read_checked([text(data, "o.yaml")]).setup == toml  # JSON is YAML


def test_a_mistake_in_json_is_said_with_its_place() -> None:
    data = json.dumps(tomllib.loads(EXAMPLE), default=lambda at: at.isoformat(), indent=1)
    (found,) = refused(text(data.replace('"bot_name"', '"bot_nam"'), "o.json"))
    line = 1 + data[: data.index('"bot_name"')].count("\n")
    assert found.startswith(f"o.json:{line}:3: registration.bot_nam: unknown key")
    assert refused(text('{"id": "a", "id": "b"}', "o.json")) == ('o.json: the key "id" stands there twice',)


def test_words_of_yaml_are_no_booleans_and_times_no_numbers() -> None:
    data, _ = yaml_document("f", "region: NO\nanswer: on\nat: 12:30\nempty:\nkeys: {1: a, '#': b}")
    assert data == {"region": "NO", "answer": "on", "at": "12:30", "empty": None, "keys": {"1": "a", "#": "b"}}


def test_a_folder_is_put_together_from_its_parts() -> None:
    head, _, rest = EXAMPLE.partition("[[queues]]")
    agents = "[[agents]]" + EXAMPLE.partition("[[agents]]")[2].partition("[crm]")[0]
    queue = 'id = "membership"\nname = "M"\nresource_account = "r1"\n'
    other = 'id = "taxes"\nname = "T"\nresource_account = "r2"\nring_timeout_s = 5\n'
    parts = [text(head), text(agents, "agents.toml"), text(queue, "queues/a.toml")]
    found = read_checked([*parts, text(other.replace("= 5", "= 15"), "queues/b.toml")])
    assert [one.id for one in found.setup.queues] == ["membership", "taxes"]
    assert [one.name for one in found.setup.agents] == ["Ada Lindgreen"]
    assert refused(*parts, text(other, "queues/b.toml"))[0].startswith("queues/b.toml:4:1: queues.taxes: ring_timeout")
    assert rest


def test_what_stands_in_two_files_is_refused() -> None:
    (found,) = refused(text('id = "a"'), text('\nid = "b"', "agents.toml"))
    assert found == "agents.toml:2:1: id: stands in another file too (organisation.toml:1:1)"


def test_parts_of_a_folder_come_in_order_and_strange_ones_are_refused() -> None:
    assert in_order(["queues/a.toml", "agents.toml", "organisation.toml"]) == [
        "organisation.toml",
        "agents.toml",
        "queues/a.toml",
    ]
    with pytest.raises(Misread, match=r"queue\.toml: belongs to no part"):
        in_order(["organisation.toml", "queue.toml"])
    with pytest.raises(Misread, match=r"no organisation\.toml"):
        in_order([])


def test_the_version_a_file_is_based_on_is_read() -> None:
    assert read_organisation([text("based_on = 7\n" + EXAMPLE)]).based_on == 7
    assert "based_on: must be the number of a version" in refused(text('based_on = "7"\n' + EXAMPLE))[0]
