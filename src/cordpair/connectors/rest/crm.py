"""A CRM that a mapping file describes: see `Crm` in the kit for what is promised."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, tzinfo

from cordpair.connectors.kit import Activity, PartyPage, Task
from cordpair.connectors.rest.changes import Sync
from cordpair.connectors.rest.client import Client
from cordpair.connectors.rest.entries import Entries
from cordpair.connectors.rest.mapping import Find, PartyKind
from cordpair.connectors.rest.mapping import Mapping as MappingFile
from cordpair.connectors.rest.numbers import variants
from cordpair.connectors.rest.records import items_of, parties_of
from cordpair.connectors.rest.templates import Context, expression, template
from cordpair.connectors.rest.values import activity_values, key_values, party_values, task_values
from cordpair.core.caller import Grade
from cordpair.core.ids import PartyRef
from cordpair.core.numbers import grade
from cordpair.core.party import PartyRecord
from cordpair.errors import PermanentFailure


class RestCrm:
    """One CRM. The HTTP client is shared with others and stays open."""

    @property
    def keeps_activities(self) -> bool:
        return self._activities is not None

    def __init__(
        self, mapping: MappingFile, client: Client, *, region: str, zone: tzinfo, now: Callable[[], datetime]
    ) -> None:
        self._mapping, self._client, self._region, self._zone = mapping, client, region, zone
        self._kinds = [one.kind for one in mapping.parties]
        self._sync = Sync(mapping, client, now, zone)
        self._activities = Entries(mapping.activity, client, "activity") if mapping.activity else None
        self._tasks = Entries(mapping.task, client, "task") if mapping.task else None

    @property
    def name(self) -> str:
        return self._mapping.name

    async def find_by_phone(self, e164: str, region: str | None = None) -> Sequence[PartyRecord]:
        """Ask each kind of party for the variants of the number, until one is found that stands the comparison."""
        found: list[PartyRecord] = []
        for kind in self._mapping.parties:
            if kind.find is not None:
                found += await self._found(kind, kind.find, e164, region)
        return found

    def changed_parties(self, bookmark: str | None) -> AsyncIterator[PartyPage]:
        return self._sync.pages(bookmark)

    async def log_activity(self, activity: Activity, *, key: str, repeat: bool) -> str:
        return await self._activity().write(self._activity_context(activity, key), repeat=repeat)

    async def update_activity(self, reference: str, activity: Activity, *, key: str) -> None:
        await self._activity().update(self._activity_context(activity, key), reference)

    async def find_activities(self, party: PartyRef, key: str) -> Sequence[str]:
        return await self._activity().find(self._keyed(party, key))

    @property
    def quarantine_s(self) -> float:
        return self._mapping.limits.quarantine_s

    async def add_task(self, task: Task, *, key: str, repeat: bool) -> str:
        """Write one follow-up; `key` and `repeat` as for an activity."""
        if self._tasks is None:
            raise PermanentFailure(f"{self._mapping.title}: the mapping does not say how a task is written")
        context = self._keyed(task.party, key) | {"task": task_values(task, self._zone)}
        return await self._tasks.write(context, repeat=repeat)

    def link(self, party: PartyRef) -> str:
        values = party_values(party, self._kinds)
        found = next((one.link for one in self._mapping.parties if one.kind == values["kind"]), "")
        return template(found).text({**self._client.context, "party": values}, in_path=False) if found else ""

    async def close(self) -> None:
        """The HTTP client is not ours to close."""

    def _activity(self) -> Entries:
        if self._activities is None:
            raise PermanentFailure(f"{self._mapping.title}: the mapping does not say how an activity is written")
        return self._activities

    def _keyed(self, party: PartyRef, key: str) -> dict[str, object]:
        return {"key": key_values(key, party), "party": party_values(party, self._kinds)}

    def _activity_context(self, activity: Activity, key: str) -> Context:
        return self._keyed(activity.party, key) | {"activity": activity_values(activity, self._zone)}

    async def _found(self, kind: PartyKind, find: Find, e164: str, region: str | None) -> list[PartyRecord]:
        spelled = variants(e164, find.suffix_digits)
        for value in dict.fromkeys(spelled[name] for name in find.numbers if name in spelled):
            answer = await self._client.read(find.request, {"number": dict(spelled) | {"value": value}})
            items = items_of(expression(find.items).read(answer.values))
            parties = parties_of(
                items, find.record or kind.record, connector=self.name, kind=kind.kind, kinds=self._kinds
            )
            if held := [party for party in parties if self._holds(party, e164, region)]:
                return held
        return []

    def _holds(self, party: PartyRecord, e164: str, region: str | None) -> bool:
        country = party.region or region or self._region
        return any(grade(e164, phone.raw, country)[0] is not Grade.NONE for phone in party.phones)
