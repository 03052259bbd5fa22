"""A first mapping file out of an OpenAPI document: what can be told from it, and marks where a person has to look.

It guesses by words: what lists contacts, what takes a call. The guess is a good mapping file in form; `connector test`
shows whether it is one in fact.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from cordpair.errors import Rejected

Json = Mapping[str, object]
_PEOPLE = re.compile(r"contact|person|people|customer|part(?:y|ies)|member|client|account|lead", re.IGNORECASE)
_CALLS = re.compile(r"call|activit|interaction|note|event|comment", re.IGNORECASE)
_FIELDS = {
    "id": r"^(?:id|uuid|guid|\w*_?id)$",
    "name": r"^(?:full_?name|name|display_?name|title)$",
    "company": r"company|organi[sz]ation|account_?name",
    "country": r"^country(?:_?code)?$",
    "updated_at": r"updated|modified|changed",
}
_SINCE = re.compile(r"updated|modified|since|changed", re.IGNORECASE)
_CALL_FIELDS = (
    (r"subject|title|name|summary", "{{ activity.queue }}: {{ activity.agent }}"),
    (r"body|note|description|text|comment|message", "{{ activity.note }} {{ key.marker }}"),
    (r"direction", "{{ activity.inbound && 'inbound' || 'outbound' }}"),
    (r"duration", "{{ activity.talk_s }}"),
    (r"occurred|start|date|time", "{{ activity.started.iso }}"),
    (r"outcome|disposition|result", "{{ activity.disposition }}"),
    (r"contact|person|customer|party|member|client|lead|parent", "{{ party.id }}"),
)


class Operation(msgspec.Struct, frozen=True):
    """One operation of the document that may fit, by its path."""

    path: str
    body: Json


def read_document(text: str, source: str) -> Json:
    """An OpenAPI document, as JSON or, where PyYAML is installed, as YAML. Raises Rejected."""
    try:
        found = msgspec.yaml.decode(text) if not text.lstrip().startswith("{") else msgspec.json.decode(text)
    except ImportError as exc:
        raise Rejected(f"{source}: YAML needs PyYAML (pip install pyyaml); or give the document as JSON") from exc
    except msgspec.DecodeError as exc:
        raise Rejected(f"{source}: {exc}") from exc
    if not isinstance(found, dict) or not isinstance(found.get("paths"), dict):
        raise Rejected(f"{source}: this is no OpenAPI document: it has no paths")
    return found


def skeleton(document: Json, name: str) -> str:
    """The text of a mapping file. Raises Rejected when nothing in the document looks like a list of people."""
    people = _best(document, "get", _PEOPLE)
    if people is None:
        raise Rejected(
            "nothing in the document looks like a list of contacts; write the file by docs/reference/mapping.md"
        )
    calls = _best(document, "post", _CALLS)
    others = [one.path for one in _operations(document, "get") if _PEOPLE.search(one.path) and one != people]
    return "\n".join(
        [
            *_head(document, name),
            *_auth(document),
            *_people(document, people, others),
            *(_activity(document, calls) if calls else ["# No operation looks like one that takes a call.", ""]),
        ]
    )


def _head(document: Json, name: str) -> Iterator[str]:
    info, servers = document.get("info"), document.get("servers")
    title = info.get("title") if isinstance(info, dict) else None
    first = servers[0] if isinstance(servers, list) and servers else {}
    url = str(first.get("url", "")) if isinstance(first, dict) else ""
    yield "# Made from an OpenAPI document. Look at every line that ends with LOOK, then: cordpair connector test FILE"
    yield "version = 1"
    yield f"name = {_quoted(name)}"
    yield f"title = {_quoted(str(title or name))}"
    yield 'base_url = "{{ settings.base_url }}"'
    yield ""
    yield "[settings.base_url]"
    yield 'en = "address of the API"'
    yield 'de = "Adresse der Schnittstelle"'
    if url.startswith("http"):
        yield f"default = {_quoted(url.rstrip('/'))}"
    yield ""


def _auth(document: Json) -> Iterator[str]:
    schemes = _at(document, "components", "securitySchemes")
    kinds = [one for one in schemes.values() if isinstance(one, dict)]
    kind = next((one for one in kinds if one.get("type") in ("http", "apiKey", "oauth2")), {})
    token = ["[secrets.token]", 'en = "access token or API key"', 'de = "Zugriffstoken oder API-Schlüssel"', ""]
    match kind.get("type"), kind.get("scheme"):
        case "http", "basic":
            yield from ["[settings.username]", 'en = "user"', 'de = "Benutzer"', ""]
            yield from ["[secrets.password]", 'en = "password"', 'de = "Kennwort"', "", "[auth]", 'kind = "basic"']
            yield from ['username = "{{ settings.username }}"', 'password = "{{ secrets.password }}"']
        case "oauth2", _:
            yield from ["[settings.client_id]", 'en = "client id"', 'de = "Client-ID"', ""]
            yield from ["[secrets.client_secret]", 'en = "client secret"', 'de = "Client-Geheimnis"', "", "[auth]"]
            url = str(_at(kind, "flows", "clientCredentials").get("tokenUrl", ""))
            whole = url if url.startswith("http") else "{{ settings.base_url }}/" + (url.lstrip("/") or "oauth/token")
            yield from ['kind = "oauth2"', 'grant = "client_credentials"', f"token_url = {_quoted(whole)} # LOOK"]
            yield from ['client_id = "{{ settings.client_id }}"', 'client_secret = "{{ secrets.client_secret }}"']
        case "apiKey", _:
            where = "query" if kind.get("in") == "query" else "headers"
            name = json.dumps(str(kind.get("name", "X-Api-Key")))
            yield from [*token, "[auth]", 'kind = "headers"', f'{where}.{name} = "{{{{ secrets.token }}}}"']
        case _:
            yield from [*token, "[auth]", 'kind = "headers"', 'headers.Authorization = "Bearer {{ secrets.token }}"']
    yield ""


def _people(document: Json, found: Operation, others: Sequence[str]) -> Iterator[str]:
    item, place = _item(document, found)
    parameters = _parameters(document, found)
    phones = [name for name in item if re.search(r"phone|mobile|tel|fax", name, re.IGNORECASE)]
    searched = next((name for name in parameters if re.search(r"phone|mobile|tel", name, re.IGNORECASE)), "")
    searched = searched or next((name for name in parameters if re.search(r"^(?:q|query|search)$", name)), "")
    if others:
        yield f"# Others that may be lists of people: {', '.join(others[:5])}"
    yield from ["[[parties]]", 'kind = "contact"', "", "[parties.record]"]
    for field, words in _FIELDS.items():
        names = [name for name in item if re.search(words, name, re.IGNORECASE)]
        if field == "name" and not names:
            names = [_first_and_last(item)]
        if names and names[0]:
            yield f"{field} = {_quoted(names[0])} # LOOK"
        elif field in ("id", "name"):
            yield f"{field} = {_quoted(field)} # LOOK"
    inner = ", ".join(f"{name} = {_quoted(name)}" for name in phones) or 'phone = "phone"'
    yield f"phones = {{ {inner} }} # LOOK"
    yield ""
    path = found.path.lstrip("/")
    if searched:
        yield from [
            "[parties.find]",
            'numbers = ["e164", "significant", "national"] # LOOK: how does it spell numbers?',
        ]
        yield f"items = {_quoted(place)} # LOOK"
        yield f'request = {{ path = {_quoted(path)}, query = {{ {searched} = "{{{{ number.value }}}}" }} }}'
        yield ""
    yield from ["[parties.changes]", f"items = {_quoted(place)} # LOOK"]
    yield from _paging(parameters)
    since = next((name for name in parameters if _SINCE.search(name)), "")
    query = [f'{since} = "{{{{ since.iso }}}}"'] if since else []
    for words, value in ((r"^page$", "page.number"), (r"^(?:offset|skip|start)$", "page.offset"), (_SIZE, "page.size")):
        query += [f'{name} = "{{{{ {value} }}}}"' for name in parameters if re.search(words, name, re.IGNORECASE)][:1]
    if not since:
        yield "always_all = true # LOOK: no parameter looks like one for changes"
    yield f"request = {{ path = {_quoted(path)}, query = {{ {', '.join(query)} }} }}"
    yield ""


_SIZE = r"^(?:limit|per_?page|page_?size|size|count)$"


def _paging(parameters: Sequence[str]) -> Iterator[str]:
    kind = "page" if "page" in parameters else "none"
    kind = "offset" if any(name in ("offset", "skip", "start") for name in parameters) else kind
    yield f'paging = {{ kind = "{kind}", size = 100 }} # LOOK'


def _activity(document: Json, found: Operation) -> Iterator[str]:
    schema = _resolved(document, _content(_resolved(document, found.body.get("requestBody"))))
    fields = _properties(document, schema)
    yield from ["[activity]", 'once = "probe"', 'id = "body.id" # LOOK', "", "[activity.create]", 'method = "POST"']
    yield from [f"path = {_quoted(found.path.lstrip('/'))}", "", "[activity.create.json]"]
    taken: set[str] = set()
    marked = False
    for words, value in _CALL_FIELDS:
        name = next((one for one in fields if one not in taken and re.search(words, one, re.IGNORECASE)), None)
        if name is not None:
            taken.add(name)
            marked = marked or "key." in value
            yield f"{json.dumps(name)} = {_quoted(value)} # LOOK"
    if not marked:
        yield 'external_id = "{{ key.guard }}" # LOOK: where can our key stand?'
    yield from ["", "[activity.find] # LOOK: how is an entry found again by our key?", 'id = "body[].id"']
    yield f'request = {{ path = {_quoted(found.path.lstrip("/"))}, query = {{ search = "{{{{ key.guard }}}}" }} }}'
    yield ""


def _best(document: Json, method: str, words: re.Pattern[str]) -> Operation | None:
    """The shortest path without parameters whose last part fits."""
    fitting = [one for one in _operations(document, method) if words.search(one.path.rstrip("/").rpartition("/")[2])]
    plain = [one for one in fitting if "{" not in one.path]
    return min(plain, key=lambda one: (one.path.count("/"), len(one.path), one.path), default=None)


def _operations(document: Json, method: str) -> list[Operation]:
    paths = document["paths"]
    assert isinstance(paths, dict)
    found = ((path, ways.get(method)) for path, ways in paths.items() if isinstance(ways, dict))
    return [Operation(str(path), body) for path, body in found if isinstance(body, dict)]


def _parameters(document: Json, found: Operation) -> list[str]:
    listed = found.body.get("parameters")
    each = [_resolved(document, one) for one in listed] if isinstance(listed, list) else []
    return [str(one.get("name")) for one in each if one.get("in") == "query"]


def _item(document: Json, found: Operation) -> tuple[list[str], str]:
    """The names of an item's fields, and the expression that reads the items out of an answer."""
    responses = _at(found.body, "responses")
    good = next((responses[code] for code in ("200", "2XX", "default") if code in responses), {})
    schema = _resolved(document, _content(_resolved(document, good)))
    if schema.get("type") == "array":
        return _properties(document, _resolved(document, schema.get("items"))), "body"
    for name, one in _at(schema, "properties").items():
        inner = _resolved(document, one)
        if inner.get("type") == "array":
            return _properties(document, _resolved(document, inner.get("items"))), f"body.{name}"
    return _properties(document, schema), "body"


def _properties(document: Json, schema: Json) -> list[str]:
    parts = schema.get("allOf")
    inherited = (
        [name for one in parts for name in _properties(document, _resolved(document, one))]
        if isinstance(parts, list)
        else []
    )
    return [*inherited, *_at(schema, "properties")]


def _content(body: Json) -> object:
    content = _at(body, "content")
    kind = next((one for name, one in content.items() if "json" in name), {})
    return kind.get("schema") if isinstance(kind, dict) else {}


def _resolved(document: Json, value: object) -> Json:
    """What a reference inside of the document leads to; at most ten steps."""
    for _ in range(10):
        if not isinstance(value, dict) or not isinstance(value.get("$ref"), str):
            break
        value = _at(document, *value["$ref"].removeprefix("#/").split("/"))
    return value if isinstance(value, dict) else {}


def _at(value: object, *names: str) -> dict[str, object]:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _first_and_last(item: Sequence[str]) -> str:
    first = next((name for name in item if re.search(r"first|given", name, re.IGNORECASE)), None)
    last = next((name for name in item if re.search(r"last|family|sur", name, re.IGNORECASE)), None)
    return f"join(' ', [{first} || '', {last} || ''])" if first and last else ""


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
