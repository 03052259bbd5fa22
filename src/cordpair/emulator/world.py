"""The demo world: two organisations, their queues, agents and app registrations. Everybody in it is made up."""

import hashlib
import uuid
from dataclasses import dataclass

_PLAIN = str.maketrans(dict(zip("äöüß ", ("ae", "oe", "ue", "ss", "."), strict=True)))
_NAMES = uuid.UUID("0f5d1c0e-55a1-4a0b-9f06-8d2f4d0a7c11")

#: Application permissions that the product's app registrations are granted.
PERMISSIONS = (
    "Calls.Initiate.All",
    "Calls.InitiateGroupCall.All",
    "Calls.JoinGroupCall.All",
    "Presence.Read.All",
    "User.Read.All",
    "Organization.Read.All",
    "TeamsAppInstallation.ReadWriteSelfForUser.All",
)


@dataclass(frozen=True)
class Disposition:
    id: str
    en: str
    de: str


@dataclass(frozen=True)
class Queue:
    """A queue and the resource account that callers reach it by (`number` is what they dial)."""

    id: str
    name: str
    name_en: str
    resource_account: str
    number: str
    language: str
    skills: tuple[str, ...]
    colour: str
    dispositions: tuple[Disposition, ...]


@dataclass(frozen=True)
class Agent:
    """A Teams user of an organisation. `id` is the Entra object id, `conversation` the 1:1 chat with the bot."""

    id: str
    name: str
    upn: str
    locale: str
    queues: tuple[str, ...]
    skills: tuple[str, ...]
    conversation: str
    teams_id: str


@dataclass(frozen=True)
class Registration:
    """The organisation's app registration. `permissions` are the granted application permissions, `own_roles` the app
    roles that the registration has been given for its own API.
    """

    id: str
    client_id: str
    client_secret: str
    bot_id: str
    bot_name: str
    permissions: tuple[str, ...] = PERMISSIONS
    own_roles: tuple[str, ...] = ("Supervisor",)


@dataclass(frozen=True)
class Tenant:
    """An organisation. `imis` is the name of its iMIS instance, `region` where national numbers belong."""

    id: str
    name: str
    name_en: str
    region: str
    time_zone: str
    registration: Registration
    queues: tuple[Queue, ...]
    agents: tuple[Agent, ...]
    imis: str
    member_seed: int
    member_count: int

    def agent(self, user: str) -> Agent | None:
        return next((agent for agent in self.agents if agent.id == user.lower()), None)

    def queue(self, name: str) -> Queue | None:
        return next((queue for queue in self.queues if name in (queue.id, queue.resource_account)), None)


@dataclass(frozen=True)
class World:
    tenants: tuple[Tenant, ...]

    def tenant(self, name: str) -> Tenant | None:
        """By tenant id or by the id of its registration."""
        return next((t for t in self.tenants if name.lower() in (t.id, t.registration.id)), None)

    def client(self, client_id: str) -> Tenant | None:
        return next((t for t in self.tenants if t.registration.client_id == client_id.lower()), None)


def demo_world(seed: int, members: int = 10_000) -> World:
    """The same world for the same seed; ids are the same for every seed, secrets are not."""
    return World((_lanterns(seed, members), _harbours(seed, max(1, members // 10))))


def _id(name: str) -> str:
    return str(uuid.uuid5(_NAMES, name))


def _registration(slug: str, seed: int, bot_name: str) -> Registration:
    secret = hashlib.sha256(f"{slug}/{seed}/emulated secret".encode()).hexdigest()[:40]
    client = _id(f"{slug}/client")
    return Registration(f"reg-{slug}", client, secret, f"28:{client}", bot_name)


def _agent(slug: str, domain: str, locale: str, entry: str) -> Agent:
    name, _, rest = entry.partition(":")
    queues, _, skills = rest.partition(":")
    ascii_name = name.lower().translate(_PLAIN)
    oid = _id(f"{slug}/agent/{name}")
    chat = hashlib.sha256(f"{slug}/{name}/chat".encode()).hexdigest()[:32]
    return Agent(
        id=oid,
        name=name,
        upn=f"{ascii_name}@{domain}",
        locale=locale,
        queues=tuple(queues.split()),
        skills=tuple(skills.split()),
        conversation=f"a:{chat}",
        teams_id=f"29:{hashlib.sha256(oid.encode()).hexdigest()[:40]}",
    )


def _queue(slug: str, entry: tuple[str, str, str, str, str], language: str, skills: tuple[str, ...]) -> Queue:
    name_id, name, name_en, number, colour = entry
    account = _id(f"{slug}/resource/{name_id}")
    return Queue(name_id, name, name_en, account, number, language, skills, colour, _DISPOSITIONS)


_DISPOSITIONS = (
    Disposition("solved", "Solved", "Erledigt"),
    Disposition("call_back", "Call back", "Rückruf"),
    Disposition("passed_on", "Passed on", "Weitergeleitet"),
    Disposition("wrong_number", "Wrong number", "Falsch verbunden"),
)

_LANTERN_QUEUES = (
    ("membership", "Mitgliedschaft", "Membership", "+493023125100", "#5b5fc7"),
    ("events", "Veranstaltungen", "Events", "+493023125200", "#0f7b6c"),
    ("billing", "Beiträge und Rechnungen", "Billing", "+493023125300", "#b3541e"),
)

_LANTERN_AGENTS = (
    "Ada Lindgreen:membership events:membership events english",
    "Bruno Achterberg:membership:membership",
    "Carla Wiesenthau:membership billing:membership billing english",
    "Dirk Sommerfeldt:billing:billing",
    "Elif Tannenberg:membership events:membership events turkish",
    "Frieder Olbrich:events:events",
    "Greta Nachtigal:membership billing:membership billing",
    "Hauke Petersdorn:events billing:events billing english",
    "Ines Morgenroth:membership:membership french",
    "Jonas Kaltwasser:membership events:membership events",
    "Kira Felsbach:billing:billing english",
    "Lorenz Übelacker:membership billing:membership billing",
    "Mila Sternhagen:events:events english",
    "Nils Birkenhof:membership:membership",
    "Olga Rabenstein:membership events billing:membership events billing",
    "Paul Zwickauer:billing:billing",
    "Quirin Hallbauer:events:events",
    "Rosa Ehrenfeld:membership:membership english",
    "Sven Grünwaldt:membership billing:membership billing",
    "Thea Vogelsang:membership events:membership events english",
)

_HARBOUR_AGENTS = (
    "Alfie Thornbury:enquiries:enquiries",
    "Bess Larkhill:enquiries:enquiries",
    "Conrad Peverell:enquiries:enquiries welsh",
    "Daisy Marchmont:enquiries:enquiries",
)


def _lanterns(seed: int, members: int) -> Tenant:
    slug, domain = "lanterns", "laternenbau.example"
    return Tenant(
        id=_id(f"{slug}/tenant"),
        name="Verband der Laternenbauer e. V.",
        name_en="Association of Lantern Makers",
        region="DE",
        time_zone="Europe/Berlin",
        registration=_registration(slug, seed, "Vermittlung"),
        queues=tuple(_queue(slug, entry, "de", (entry[0],)) for entry in _LANTERN_QUEUES),
        agents=tuple(
            _agent(slug, domain, "en-US" if number % 7 == 6 else "de-DE", entry)
            for number, entry in enumerate(_LANTERN_AGENTS)
        ),
        imis="laternenbau",
        member_seed=seed,
        member_count=members,
    )


def _harbours(seed: int, members: int) -> Tenant:
    slug, domain = "harbours", "harbourwardens.example"
    queue = ("enquiries", "Enquiries", "Enquiries", "+442079460100", "#5b5fc7")
    return Tenant(
        id=_id(f"{slug}/tenant"),
        name="Society of Harbour Wardens",
        name_en="Society of Harbour Wardens",
        region="GB",
        time_zone="Europe/London",
        registration=_registration(slug, seed, "Switchboard"),
        queues=(_queue(slug, queue, "en", ("enquiries",)),),
        agents=tuple(_agent(slug, domain, "en-GB", entry) for entry in _HARBOUR_AGENTS),
        imis="harbourwardens",
        member_seed=seed + 1,
        member_count=members,
    )
