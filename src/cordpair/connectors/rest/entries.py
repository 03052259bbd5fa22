"""Activities and tasks are written once: by an id of ours, by a creation that may be repeated, or by looking first."""

from cordpair.connectors.rest.answers import Absent, Answer, Exists
from cordpair.connectors.rest.client import Client
from cordpair.connectors.rest.mapping import Entry
from cordpair.connectors.rest.records import items_of
from cordpair.connectors.rest.templates import Context, as_text, expression
from cordpair.errors import PermanentFailure


class Entries:
    """Writes entries of one sort (`what`: activity, task)."""

    def __init__(self, entry: Entry, client: Client, what: str) -> None:
        self._entry, self._client, self._what = entry, client, what

    async def write(self, context: Context, *, repeat: bool) -> str:
        """Write one and return the CRM's id of it. Before a `repeat` it is looked for, unless the id is our own."""
        known = await self.find(context) if repeat and self._entry.once == "probe" else []
        written = known[0] if known else await self._create(context)
        for request in self._entry.then:
            await self._client.write(request, {**context, "entry": {"id": written}})
        return written

    async def find(self, context: Context) -> list[str]:
        """The ids of all entries that have the key."""
        search = self._entry.find
        if search is None:
            return []
        try:
            answer = await self._client.read(search.request, context)
        except Absent:
            return []
        return self._ids(search.id, context, answer)

    async def update(self, context: Context, written: str) -> None:
        """Bring an entry up to date. Raises PermanentFailure where the mapping does not say how."""
        if self._entry.update is None:
            raise PermanentFailure(f"the mapping does not say how the {self._what} is brought up to date")
        await self._client.write(self._entry.update, {**context, "entry": {"id": written}})

    async def _create(self, context: Context) -> str:
        try:
            answer = await self._client.write(self._entry.create, context)
        except Exists as exc:
            known = await self.find(context) or self._ids(self._entry.id, context, None)
            if not known:
                raise self._client.meaning.unknown(f"has the {self._what} already but does not show it") from exc
            return known[0]
        written = self._ids(self._entry.id, context, answer)
        if not written:
            raise self._client.meaning.unknown(f"took the {self._what} but did not name it")
        return written[0]

    def _ids(self, text: str, context: Context, answer: Answer | None) -> list[str]:
        values = {**self._client.context, **context, **(answer.values if answer else {})}
        found = (as_text(one).strip() for one in items_of(expression(text).read(values)))
        return [one for one in found if one]
