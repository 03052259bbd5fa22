"""What a mapping file says: how one CRM over HTTP is asked, and what its answers mean. Data, no code.

Texts with `{{ … }}` are templates, `Expression` is JMESPath: see `templates` for what both may name. Fields that
are not known are refused, so that a slip of the pen is found when the file is read.
"""

from typing import Annotated, Any, Literal

import msgspec

from cordpair.core.bucket import LONGEST_QUARANTINE_S

#: A text in which `{{ expression }}` stands for a value.
Template = Annotated[str, msgspec.Meta(description="Text in which {{ JMESPath }} stands for a value.")]
#: What is read out of an answer.
Expression = Annotated[str, msgspec.Meta(description="JMESPath.")]
Slug = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]

Variant = Literal[
    "e164", "digits", "zeros", "international", "national", "national_digits", "significant", "parentheses", "suffix"
]


class Setting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A setting or secret that an administrator gives. It is required unless it has a `default`."""

    en: str
    de: str
    default: str | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One request. `path` is behind the base URL, its values percent-encoded. Values that are null are left out.

    `json` is any value with templates in it; a text that is one template alone keeps the type of its value.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: Template
    query: dict[str, Template] = msgspec.field(default_factory=dict)
    headers: dict[str, Template] = msgspec.field(default_factory=dict)
    json: Any = None
    form: dict[str, Template] = msgspec.field(default_factory=dict)
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=120)] | None = None


class HeaderAuth(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="headers"
):
    """A key or token in headers or in the query: bearer tokens, API keys."""

    headers: dict[str, Template] = msgspec.field(default_factory=dict)
    query: dict[str, Template] = msgspec.field(default_factory=dict)


class BasicAuth(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="basic"):
    """User name and password with each request."""

    username: Template
    password: Template


class OAuth(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="oauth2"):
    """A token by client credentials, password or refresh token. `form` are further fields of the token request.

    `credentials` says where client id and secret go. `base_url` reads the address of the API out of the token's answer
    where that tells it. Without `expires_in` in the answer a token counts for `lives_s` seconds.
    """

    grant: Literal["client_credentials", "password", "refresh_token"]
    token_url: Template
    client_id: Template = ""
    client_secret: Template = ""
    username: Template = ""
    password: Template = ""
    refresh_token: Template = ""
    scope: Template = ""
    form: dict[str, Template] = msgspec.field(default_factory=dict)
    credentials: Literal["form", "basic"] = "form"
    base_url: Expression = ""
    lives_s: Annotated[float, msgspec.Meta(gt=0)] = 1800.0


class LoginAuth(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="login"):
    """A session by a request of its own, as JSON-RPC services have it. `session` is read out of its answer.

    `headers` then go with each request and may name `session`.
    """

    request: Request
    session: Expression
    headers: dict[str, Template]
    lives_s: Annotated[float, msgspec.Meta(gt=0)] = 1800.0


Auth = HeaderAuth | BasicAuth | OAuth | LoginAuth


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the CRM bears. `quarantine_s`: how long it may still carry out what it has not answered to.

    `per_s` requests a second at most, in bursts of up to `burst`; 0: no limit of our own.
    """

    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=120)] = 20.0
    quarantine_s: Annotated[float, msgspec.Meta(ge=0, le=LONGEST_QUARANTINE_S)] = 120.0
    concurrent: Annotated[int, msgspec.Meta(ge=1, le=50)] = 4
    per_s: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    burst: Annotated[float, msgspec.Meta(ge=1)] = 10.0


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an answer means that its status alone does not tell. `status` empty: any; `when` is true of the answer.

    `exists`: what was to be created is there already. `absent`: what was asked for is not there.
    """

    means: Literal["throttled", "away", "refused", "signed_out", "exists", "absent", "unknown"]
    status: list[Annotated[int, msgspec.Meta(ge=100, le=599)]] = msgspec.field(default_factory=list)
    when: Expression = ""


class Errors(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How errors are told. `message` reads the CRM's own words out of a bad answer."""

    message: Expression = "body.message"
    rules: list[Rule] = msgspec.field(default_factory=list)


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a party is read out of an item of an answer. Items with one id are one party.

    `phones` are read with a label each. `country` is an ISO code or nothing.
    """

    id: Expression
    name: Expression
    phones: dict[str, Expression]
    company: Expression = ""
    country: Expression = ""
    organization: Expression = ""
    updated_at: Expression = ""
    when: Expression = ""


class Find(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The live look-up. The variants of the number are asked for in this order until a party is found.

    `number.value` is the variant that is asked for; all variants can be named too.
    """

    numbers: Annotated[list[Variant], msgspec.Meta(min_length=1, max_length=5)]
    request: Request
    items: Expression
    suffix_digits: Annotated[int, msgspec.Meta(ge=6, le=10)] = 7
    record: Record | None = None


class Paging(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one page follows another.

    `page`: `page.number` counts from `first`. `offset`: `page.offset` counts items. `cursor`: `next` is read out of the
    answer and is `page.cursor`. `keyset`: `next` is read out of the last item and is `page.cursor`; items come in its
    order. `url`: `next` is the address of the next page. `link`: the header Link tells it (RFC 8288). `none`: one page.
    `more` tells whether a page follows; without it pages are read until one is empty (page, offset, keyset).
    """

    kind: Literal["none", "page", "offset", "cursor", "keyset", "url", "link"] = "none"
    size: Annotated[int, msgspec.Meta(ge=1, le=5000)] = 100
    first: int = 1
    next: Expression = ""
    more: Expression = ""


class Changes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How parties are synchronised: all of them, and later those that have changed since `since`.

    In the first sync `since` is 1970 and `since.first` true. `overlap_s`: clocks differ, so each sync looks back a
    little. `always_all`: the CRM cannot tell changes; every sync reads everybody.
    """

    request: Request
    items: Expression
    paging: Paging = Paging()
    overlap_s: Annotated[float, msgspec.Meta(ge=0)] = 300.0
    always_all: bool = False
    record: Record | None = None


class PartyKind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entity that holds parties: contacts, accounts, leads. `link` opens a record."""

    kind: Slug
    record: Record
    find: Find | None = None
    changes: Changes | None = None
    link: Template = ""


class Search(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How our own entry is found again by its key. `id` reads its id or several; null: there is none."""

    request: Request
    id: Expression


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an activity or a task is written, once.

    `once` says how: `probe` looks before a repeat (by `find`); `client_id`: the id is ours, a second creation is
    refused (rule `exists`); `upsert`: a second creation changes nothing. `id` is read out of the answer, where `key`
    can be named too. `then` are requests that complete what was created; each may be sent twice. `update` writes it
    whole, with `entry.id`.
    """

    once: Literal["probe", "client_id", "upsert"]
    create: Request
    id: Expression
    find: Search | None = None
    update: Request | None = None
    then: list[Request] = msgspec.field(default_factory=list)


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole file. `base_url` is where the API is; `hosts` may be spoken to besides its host (`*.` before a name: any
    host below it)."""

    version: Literal[1]
    name: Slug
    title: str
    base_url: Template
    hosts: list[Template] = msgspec.field(default_factory=list)
    settings: dict[str, Setting] = msgspec.field(default_factory=dict)
    secrets: dict[str, Setting] = msgspec.field(default_factory=dict)
    auth: Auth
    headers: dict[str, Template] = msgspec.field(default_factory=dict)
    limits: Limits = Limits()
    errors: Errors = Errors()
    parties: Annotated[list[PartyKind], msgspec.Meta(min_length=1)]
    activity: Entry | None = None
    task: Entry | None = None
