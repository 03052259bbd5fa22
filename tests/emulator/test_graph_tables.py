"""The emulated Graph's own tables, and what it answers and tells, beside Microsoft's description of Graph."""

from typing import Any

import pytest

from cordpair.emulator.graph.tables import OPERATIONS, Operation, Shape
from tests.emulator.product import Product
from tests.emulator.reference import answer_schema, faults, graph_slice, named, request_schema, resolved

EACH = pytest.mark.parametrize("op", OPERATIONS.values(), ids=lambda op: f"{op.method} {op.path}")
#: Fields that Graph takes or gives as dynamic properties of open types.
OPEN = {"clientContext"}
#: Fields that Graph describes in derived types.
KINDS = {".mediaConfig": ("serviceHostedMediaConfig", "appHostedMediaConfig"), ".prompts[]": ("mediaPrompt",)}


@EACH
def test_the_operation_is_one_of_graph(op: Operation) -> None:
    assert op.method.lower() in graph_slice()["paths"].get(op.path, {})


@EACH
def test_the_body_is_taken_where_graph_takes_one(op: Operation) -> None:
    assert (op.body is None) == (request_schema(op.method.lower(), op.path) is None)


@EACH
def test_required_and_known_fields_of_the_body_are_graphs(op: Operation) -> None:
    schema = request_schema(op.method.lower(), op.path)
    assert list(differences("", op.body, schema)) == [] if schema else op.body is None


@EACH
def test_the_fields_of_the_answer_are_graphs(op: Operation) -> None:
    schema = resolved(answer_schema(op.method.lower(), op.path))
    if op.many:
        listed = schema["properties"]["value"] if "properties" in schema else schema
        schema = resolved(listed["items"])
    known = set(schema.get("properties", {}))
    assert set(op.answer) - known - OPEN == set()


def differences(where: str, ours: Shape | None, schema: dict[str, Any]) -> Any:
    """Where our shape asks for more, allows more or demands less than Graph."""
    theirs = resolved(schema)
    if isinstance(ours, list):
        yield from differences(f"{where}[]", ours[0], theirs.get("items", {}))
    elif isinstance(ours, str):
        kind = theirs.get("type", "object")
        if ours != "any" and kind != ours:
            yield f"{where}: {kind} in Graph, {ours} here"
    elif ours is not None:
        yield from object_differences(where, ours, theirs)


def object_differences(where: str, ours: dict[str, Shape], theirs: dict[str, Any]) -> Any:
    fields = {name.removesuffix("!"): part for name, part in ours.items() if name != "..."}
    required = {name.removesuffix("!") for name in ours if name.endswith("!")}
    demanded = set(theirs.get("required") or theirs.get("x-required-on-write") or ())
    demanded |= {name for kind in KINDS.get(where, ()) for name in always_demanded(kind)}
    if demanded != required:
        yield f"{where}: Graph demands {sorted(demanded)}, we demand {sorted(required)}"
    if "..." in ours and not theirs.get("additionalProperties"):
        yield f"{where}: open here, closed in Graph"
    known = theirs.get("properties", {})
    for name, part in fields.items():
        if name in known:
            yield from differences(f"{where}.{name}", part, known[name])
        elif not theirs.get("x-open-type") and "x-derived-types" not in theirs and not derived(where, name):
            yield f"{where}.{name}: not in Graph"


def derived(where: str, name: str) -> bool:
    """Fields of the kinds of media configuration and prompt that Graph describes in types of their own."""
    return any(name in resolved(named(f"microsoft.graph.{kind}"))["properties"] for kind in KINDS.get(where, ()))


def always_demanded(kind: str) -> set[str]:
    """What the only kind of a thing demands."""
    return (
        set(resolved(named(f"microsoft.graph.{kind}")).get("x-required-on-write", ()))
        if kind == "mediaPrompt"
        else set()
    )


async def test_a_body_that_the_tables_take_is_one_that_graph_takes(product: Product) -> None:
    body = product.answer_body()
    schema = request_schema("post", "/communications/calls/{call-id}/answer")
    assert schema is not None
    assert list(faults(schema, body | {"mediaConfig": {}})) == []


async def test_answers_are_what_graph_describes(product: Product) -> None:
    agent, call = await product.manual(), await product.answered(number="+493023125001")
    calls, one = f"/communications/calls/{call}", "/communications/calls/{call-id}"
    invite = (await product.invited(call, agent)).json()
    await product.act(agent, "accept")
    seen = [
        ("get", one, (await product.graph("GET", calls)).json()),
        ("get", f"{one}/participants", (await product.graph("GET", f"{calls}/participants")).json()),
        ("post", f"{one}/participants/invite", invite),
        (
            "get",
            "/communications/presences/{presence-id}",
            (await product.graph("GET", f"/users/{agent.id}/presence")).json(),
        ),
        ("get", "/users", (await product.graph("GET", "/users")).json()),
        ("get", "/organization", (await product.graph("GET", "/organization")).json()),
    ]
    wrong = [
        f"{path} {fault}" for method, path, body in seen for fault in faults(answer_schema(method, path) or {}, body)
    ]
    assert wrong == []


async def test_notifications_carry_what_graph_describes(product: Product) -> None:
    agent, call = await product.manual(), await product.answered(number=None)
    await product.invited(call, agent)
    await product.act(agent, "accept")
    await product.control(f"calls/{call}/hang_up", {})
    await product.advance(2)
    wrong = [fault for item in product.notifications for fault in notification_faults(item)]
    assert len(product.notifications) > 6
    assert wrong == []


def notification_faults(item: dict[str, Any]) -> Any:
    yield from faults(named("microsoft.graph.commsNotification"), item)
    data = item["resourceData"]
    for one in data if isinstance(data, list) else [data]:
        kind = one["@odata.type"].lstrip("#")
        if "status" in one:  # notifications spell it in lower case, the metadata in capitals
            one = one | {"status": one["status"].capitalize()}
        yield from (f"{kind} {fault}" for fault in faults(named(kind), one))
