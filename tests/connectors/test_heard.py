"""Keys and ended prompts in Graph's notifications."""

from typing import Any

import pytest

from cordpair.connectors.teams.translate import Ignored, translate
from cordpair.core.events import CallEvent, PromptEnded, ToneHeard
from cordpair.core.ids import GraphCallId, TenantId, call_id
from tests.core.people import NOON

TENANT = TenantId("11111111-1111-4111-8111-111111111111")
GRAPH = GraphCallId("dddddddd-0000-4000-8000-00000000000d")
CALL = call_id(TENANT, GRAPH)


def told(data: dict[str, Any], tail: str = "") -> list[CallEvent] | Ignored:
    item = {"changeType": "updated", "resourceUrl": f"/communications/calls/{GRAPH}{tail}", "resourceData": data}
    return translate(item, tenant=TENANT, region="DE", at=NOON)


def tone(name: object, sequence: object) -> list[CallEvent] | Ignored:
    return told({"state": "established", "toneInfo": {"sequenceId": sequence, "tone": name}})


@pytest.mark.parametrize(("name", "key"), [("tone0", "0"), ("Tone9", "9"), ("star", "*"), ("pound", "#")])
def test_a_key_is_one_key_and_not_an_answer_once_more(name: str, key: str) -> None:
    assert tone(name, 4) == [ToneHeard(at=NOON, call=CALL, key=key, sequence=4)]


def test_a_number_that_graph_writes_as_a_text_is_one() -> None:
    assert tone("tone5", "7") == [ToneHeard(at=NOON, call=CALL, key="5", sequence=7)]


@pytest.mark.parametrize(("name", "sequence"), [("flash", 1), ("tone5", None), (5, 1), ("tone5", "x"), ("tone5", -1)])
def test_what_is_no_key_of_a_telephone_is_no_key(name: object, sequence: object) -> None:
    found = tone(name, sequence)

    assert not isinstance(found, Ignored)
    assert [type(one).__name__ for one in found] == ["Established"]


@pytest.mark.parametrize("status", ["completed", "failed", "Completed"])
def test_the_end_of_a_prompt_that_is_awaited_is_told(status: str) -> None:
    data = {"@odata.type": "#microsoft.graph.playPromptOperation", "status": status, "clientContext": "say-12"}

    assert told(data, "/operations/1") == [PromptEnded(at=NOON, call=CALL, number=12)]


@pytest.mark.parametrize("context", ["prompt-1", "say-", "say-x", "say-99999999999999", None, 5])
def test_the_end_of_another_prompt_tells_nothing(context: object) -> None:
    data = {"@odata.type": "#microsoft.graph.playPromptOperation", "status": "completed", "clientContext": context}

    assert told(data, "/operations/1") == Ignored("playPromptOperation completed")
