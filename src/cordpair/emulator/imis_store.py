"""What an emulated iMIS knows: persons, organisations, activities. Times in it are local, without an offset."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from cordpair.emulator.imis_query import Properties, Query, Value, select
from cordpair.emulator.members import Member, Phone, holders

PARTY_PROPERTIES = frozenset(
    {"partyid", "id", "name", "firstname", "lastname", "fullname", "email", "phone", "city", "country", "companyname"}
    | {"organizationname", "updatedon", "ismarkedfordelete"}
)
ORGANIZATION, PERSON = "organization", "person"
_FIRST_ORGANIZATION = 900_001


@dataclass(frozen=True)
class Party:
    """A party as it is stored. `kind` is person or organization; `organization` the id of a person's company."""

    kind: str
    id: str
    first_name: str
    last_name: str
    company: str
    email: str
    phones: tuple[Phone, ...]
    region: str
    city: str
    postal_code: str
    updated_on: datetime
    organization: str = ""
    marked_for_delete: bool = False

    @property
    def name(self) -> str:
        return self.company if self.kind == ORGANIZATION else f"{self.first_name} {self.last_name}"

    @cached_property
    def properties(self) -> Properties:
        return {
            "partyid": [self.id],
            "id": [self.id],
            "name": [self.name],
            "fullname": [self.name],
            "firstname": [self.first_name],
            "lastname": [self.last_name],
            "email": [self.email],
            "phone": [phone.raw for phone in self.phones],
            "city": [self.city],
            "country": [self.region],
            "companyname": [self.company],
            "organizationname": [self.company] if self.kind == ORGANIZATION else [],
            "updatedon": [self.updated_on],
            "ismarkedfordelete": [self.marked_for_delete],
        }


#: An activity: column name to value, `SEQN` among them.
Activity = dict[str, Value | None]


class Store:
    """Parties and activities. `created_parties` counts what clients made; a look-up must leave it alone."""

    def __init__(self, members: Iterable[Member], zone: ZoneInfo) -> None:
        self.zone = zone
        self._parties: dict[str, Party] = {}
        self._by_phone: dict[str, list[Party]] = {}
        self.activities: list[Activity] = []
        self.switchboards: dict[str, list[str]] = {}  #: E.164 -> ids of the companies whose number it is
        self._fill(list(members))

    def local(self, instant: datetime) -> datetime:
        """An aware instant as this iMIS writes it."""
        return instant.astimezone(self.zone).replace(tzinfo=None, microsecond=0)

    def party_ids(self) -> list[str]:
        return list(self._parties)

    def party(self, party_id: str) -> Party | None:
        return self._parties.get(party_id)

    def parties(self, kind: str | None, query: Query) -> list[Party]:
        phone = query.equal_to("phone")
        source: Iterable[Party] = self._parties.values() if phone is None else self._with_phone(phone)
        return [p for p in select(source, query, lambda party: party.properties) if kind in (None, p.kind)]

    def find_activities(self, query: Query) -> list[Activity]:
        party = query.equal_to("partyid")
        source = self.activities if party is None else [one for one in self.activities if one["PartyId"] == party]
        return select(source, query, activity_properties)

    def change(self, party_id: str, at: datetime, **fields: object) -> None:
        """Somebody changes a party in iMIS. `at` is aware. Raises KeyError."""
        self._put(replace(self._parties[party_id], updated_on=self.local(at), **fields))  # type: ignore[arg-type]

    def remove(self, party_id: str) -> None:
        """Somebody is purged. Raises KeyError."""
        gone = self._parties.pop(party_id)
        for phone in gone.phones:
            self._by_phone[phone.raw.casefold()].remove(gone)

    def add(self, member: Member) -> None:
        """Somebody enters a member."""
        self._put(self._person(member, {}))

    def write(self, columns: Mapping[str, Value | None]) -> Activity:
        """Store an activity under the next number."""
        activity: Activity = {"SEQN": 70_001 + len(self.activities), **columns}
        self.activities.append(activity)
        return activity

    def activity(self, number: str) -> Activity | None:
        return next((one for one in self.activities if str(one["SEQN"]) == number), None)

    def rewrite(self, known: Activity, columns: Mapping[str, Value | None]) -> Activity:
        """Put other columns in the place of an activity's own; its number stays."""
        number = known["SEQN"]
        known.clear()
        known.update({"SEQN": number, **columns})
        return known

    def _fill(self, members: list[Member]) -> None:
        shared = {number for number, people in holders(members).items() if len(people) > 1}
        staff: dict[str, list[Member]] = {}
        for member in members:
            staff.setdefault(member.company, []).append(member)
        staff.pop("", None)
        ids = {company: str(_FIRST_ORGANIZATION + place) for place, company in enumerate(staff)}
        for member in members:
            self._put(self._person(member, ids))
        for company, people in staff.items():
            party = self._organization(ids[company], people, shared)
            self._put(party)
            if party.phones:
                number = next(person.e164[0] for person in people if person.phones[:1] == party.phones)
                self.switchboards.setdefault(number, []).append(party.id)

    def _person(self, member: Member, companies: Mapping[str, str]) -> Party:
        return Party(
            kind=PERSON,
            id=member.party_id,
            first_name=member.first_name,
            last_name=member.last_name,
            company=member.company,
            email=member.email,
            phones=member.phones,
            region=member.region,
            city=member.city,
            postal_code=member.postal_code,
            updated_on=self.local(member.updated_on),
            organization=companies.get(member.company, ""),
        )

    def _organization(self, party_id: str, people: list[Member], shared: set[str]) -> Party:
        """A company holds its switchboard's number, if several of its people do."""
        head = next((person for person in people if len(person.e164) == 1 and person.e164[0] in shared), None)
        like = head or people[0]
        return Party(
            kind=ORGANIZATION,
            id=party_id,
            first_name="",
            last_name="",
            company=like.company,
            email=f"info@{like.email.partition('@')[2]}",
            phones=head.phones[:1] if head else (),
            region=like.region,
            city=like.city,
            postal_code=like.postal_code,
            updated_on=self.local(like.updated_on),
        )

    def _put(self, party: Party) -> None:
        old = self._parties.get(party.id)
        for phone in old.phones if old else ():
            self._by_phone[phone.raw.casefold()].remove(old)  # type: ignore[arg-type]
        for phone in party.phones:
            self._by_phone.setdefault(phone.raw.casefold(), []).append(party)
        self._parties[party.id] = party

    def _with_phone(self, literal: str) -> list[Party]:
        found = self._by_phone.get(literal.casefold(), [])
        return list({party.id: party for party in found}.values())


def activity_properties(activity: Activity) -> Properties:
    """An activity for the query language; `ID` and `PartyId` are the same column."""
    found = {name.lower(): [value] for name, value in activity.items() if value is not None}
    return found | {"id": found["partyid"]}
