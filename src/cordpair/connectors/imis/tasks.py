"""Follow-ups in iMIS, which knows no task: an activity with a tickler date, or a row of a panel table.

Panel tables are the organisation's own; which of their columns mean what is set by an administrator (`task_columns`).
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from cordpair.connectors.imis.answers import QUARANTINE_S
from cordpair.connectors.imis.columns import ColumnBook, Columns
from cordpair.connectors.imis.generic import Value, entity
from cordpair.connectors.imis.guards import guard, guard_column
from cordpair.connectors.imis.session import ImisSession, assembly_of
from cordpair.connectors.imis.settings import ImisSettings, PanelSink
from cordpair.connectors.imis.shapes import identity_of, items, local_text
from cordpair.connectors.kit import Task
from cordpair.errors import PermanentFailure, UnknownOutcome


class ImisTasks:
    """Writes tasks of one iMIS, each once."""

    def __init__(
        self, settings: ImisSettings, session: ImisSession, book: ColumnBook, now: Callable[[], datetime]
    ) -> None:
        self._settings, self._session, self._book, self._now = settings, session, book, now

    async def add(self, task: Task, *, key: str, repeat: bool) -> str:
        """Write one task and return iMIS's id of it. Before a repeat the party's rows are searched for the key."""
        sink = self._settings.task_sink
        table = sink.table if isinstance(sink, PanelSink) else "Activity"
        columns = await self._book.of(table)
        guarded = self._guard_column(columns)
        if repeat or self._session.assembly is None:
            query = {"ID": task.party.id, guarded: guard(key), "limit": "1"}
            if found := items(await self._session.get(f"api/{table}", query)):
                return identity_of(found[0])
        row = _fitting(self._row(task), columns, guarded, guard(key))
        party = task.party.id if isinstance(sink, PanelSink) else ""
        body = entity(table, row, assembly_of(self._session), party=party)
        try:
            answer = await self._session.post(f"api/{table}", body, (task.subject, task.note, task.party.id))
        except PermanentFailure:
            self._book.forget(table)
            raise
        if not (written := identity_of(answer)):
            raise UnknownOutcome("iMIS took a task but did not name it", quarantine_s=QUARANTINE_S)
        return written

    def _guard_column(self, columns: Columns) -> str:
        sink = self._settings.task_sink
        if isinstance(sink, PanelSink):
            return guard_column(sink.guard, columns, "column for guard in task_columns")
        return guard_column(self._settings.guard_column, columns, "guard_column")

    def _row(self, task: Task) -> Mapping[str, Value]:
        due = f"{task.due.isoformat()}T00:00:00"  # a day, at the place where iMIS is
        sink = self._settings.task_sink
        if isinstance(sink, PanelSink):
            named = {sink.subject: task.subject, sink.due: due, sink.note: task.note}
            return {"ID": task.party.id} | {column: text for column, text in named.items() if column}
        return {
            "PartyId": task.party.id,
            "ACTIVITY_TYPE": self._settings.activity_type,
            "TRANSACTION_DATE": local_text(self._now(), self._settings.time_zone),
            "TICKLER_DATE": due,
            "DESCRIPTION": task.subject,
            "NOTE": task.note,
            "SOURCE_SYSTEM": "cordpair",
            "UF_2": "task",
        }


def _fitting(row: Mapping[str, Value], columns: Columns, guarded: str, key: str) -> list[tuple[str, Value]]:
    held = columns.held({name: value for name, value in row.items() if name != guarded}, needed=("PartyId", "ID"))
    return [*held, (guarded, key)]
