"""What is wrong with a call flow is found before a caller finds it."""

from typing import Any

import msgspec

from cordpair.core.flow import Flow, Say, Treatment
from cordpair.core.flow_check import FindingKind, Surroundings, check, check_all, check_treatment
from cordpair.core.ids import QueueId
from cordpair.core.tenant import Queue

LAMPS = Queue(id=QueueId("lamps"), name="Lamps", resource_account="acc-lamps")
AROUND = Surroundings(queues=(LAMPS,), prompts=("hello",), languages=("en",))
SAY = [{"prompt": "hello"}]
END = {"do": "hang_up"}
WAIT = {"do": "queue", "queue": "lamps"}


def flow(start: str, **steps: dict[str, Any]) -> Flow:
    return msgspec.convert({"id": "main", "start": start, "steps": steps}, Flow)


def found(one: Flow, around: Surroundings = AROUND) -> list[tuple[str, str, str]]:
    """(kind, step and field, about) of all findings."""
    return [(it.kind.value, f"{it.step}.{it.field}".strip("."), it.about) for it in check(one, around)]


def menu(**fields: Any) -> dict[str, Any]:
    return {"do": "menu", "say": SAY, "choices": {"1": "wait"}, "no_input": "wait", **fields}


def test_a_flow_that_works_has_no_findings() -> None:
    one = flow("hello", hello={"do": "play", "say": SAY, "next": "menu"}, menu=menu(), wait=WAIT)

    assert found(one) == []


def test_a_way_to_a_step_that_there_is_not_is_found() -> None:
    one = flow("menu", menu=menu(choices={"1": "wait", "2": "gone"}), wait=WAIT)

    assert found(one) == [("unknown_step", "menu.choices.2", "gone")]


def test_a_flow_that_begins_nowhere_is_found() -> None:
    assert found(flow("begin", wait=WAIT)) == [("no_start", "start", "begin")]


def test_a_step_that_nothing_leads_to_is_found() -> None:
    assert found(flow("wait", wait=WAIT, lonely=END)) == [("unreachable", "lonely", "")]


def test_steps_that_go_round_without_asking_are_found() -> None:
    one = flow("a", a={"do": "play", "say": SAY, "next": "b"}, b={"do": "play", "say": SAY, "next": "a"})

    assert found(one) == [("loop", "a", "a > b > a")]


def test_a_menu_that_a_silent_caller_never_leaves_is_found() -> None:
    one = flow("menu", menu=menu(no_input="again"), again={"do": "play", "say": SAY, "next": "menu"}, wait=WAIT)

    assert found(one) == [("loop", "menu", "menu > again > menu")]


def test_a_way_back_by_a_key_is_no_loop() -> None:
    one = flow("menu", menu=menu(choices={"1": "wait", "*": "menu"}), wait=WAIT)

    assert found(one) == []


def test_a_queue_whose_closed_callers_come_back_to_it_is_found() -> None:
    one = flow("wait", wait={**WAIT, "instead": "sorry"}, sorry={"do": "play", "say": SAY, "next": "wait"})

    assert found(one) == [("loop", "wait", "wait > sorry > wait")]


def test_a_menu_without_choices_is_found() -> None:
    assert found(flow("menu", menu=menu(choices={}), wait=WAIT)) == [("no_choice", "menu.choices", "")]


def test_a_key_that_no_telephone_has_is_found() -> None:
    one = flow("menu", menu=menu(choices={"12": "wait"}), wait=WAIT)

    assert found(one) == [("bad_key", "menu.choices.12", "12")]


def test_a_way_out_that_is_not_set_is_found() -> None:
    assert ("dead_end", "menu.no_input", "") in found(flow("menu", menu=menu(no_input=""), wait=WAIT))


def test_a_prompt_that_nobody_uploaded_is_found() -> None:
    assert found(flow("end", end={**END, "say": [{"prompt": "bye"}]})) == [("missing_prompt", "end.say.0", "bye")]


def test_a_text_in_a_language_that_nothing_speaks_is_found() -> None:
    one = flow("end", end={**END, "say": [{"text": "Ciao", "language": "it"}]})

    assert found(one) == [("no_speech", "end.say.0", "it")]


def test_saying_both_a_prompt_and_a_text_is_found() -> None:
    one = flow("end", end={**END, "say": [{"prompt": "hello", "text": "Hello"}]})

    assert found(one) == [("bad_say", "end.say.0", "")]


def test_a_queue_that_there_is_not_is_found() -> None:
    assert found(flow("wait", wait={"do": "queue", "queue": "ropes"})) == [("unknown_queue", "wait.queue", "ropes")]


def test_hours_of_nothing_are_found() -> None:
    one = flow("when", when={"do": "hours", "open": "end", "closed": "end"}, end=END)

    assert found(one) == [("bad_value", "when.hours", "give hours or a queue")]


def test_a_case_that_compares_with_nothing_is_found() -> None:
    one = flow("who", who={"do": "branch", "cases": [{"fact": "country", "next": "end"}], "otherwise": "end"}, end=END)

    assert found(one) == [("bad_value", "who.cases.0", "has no value")]


def test_a_number_that_nobody_can_dial_is_found() -> None:
    one = flow("out", out={"do": "to_number", "number": "030 12345"})

    assert found(one) == [("bad_value", "out.number", "not like +493012345678")]


def test_callers_who_would_come_back_to_us_are_found() -> None:
    one = flow("out", out={"do": "to_user", "user": "acc-lamps"})

    assert [it.kind for it in check_all([one], AROUND)] == [FindingKind.OWN_ACCOUNT]


def test_two_flows_of_one_account_are_found() -> None:
    flows = [msgspec.structs.replace(flow("end", end=END), id=name, resource_accounts=("acc",)) for name in ("a", "b")]

    assert [(it.flow, it.kind) for it in check_all(flows, AROUND)] == [("b", FindingKind.DOUBLE_ACCOUNT)]


def test_announcements_need_a_voice_for_the_language_of_the_queue() -> None:
    queue = msgspec.structs.replace(LAMPS, language="de", treatment=Treatment(position=True))

    assert [(it.field, it.kind) for it in check_treatment(queue, AROUND)] == [
        ("treatment.position", FindingKind.NO_SPEECH)
    ]


def test_a_treatment_without_its_music_is_found() -> None:
    queue = msgspec.structs.replace(LAMPS, treatment=Treatment(music=(Say(prompt="harp"),)))

    assert [(it.field, it.about) for it in check_treatment(queue, AROUND)] == [("treatment.music.0", "harp")]


def test_an_account_that_graph_spells_otherwise_is_found() -> None:
    one = msgspec.structs.replace(flow("end", end=END), resource_accounts=("ACC-1",))

    assert [(it.kind, it.about) for it in check_all([one], AROUND)] == [
        (FindingKind.BAD_VALUE, "not an id in small letters")
    ]
