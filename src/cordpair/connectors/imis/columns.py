"""What a table of this iMIS can hold: names as they are spelled here, and how wide their columns are.

Installations differ in both. Some tell by the metadata of an entity, most by the list of business objects, some not at
all: then the widths of the oldest are taken.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from cordpair.connectors.imis.answers import Json, NoSuchPage
from cordpair.connectors.imis.generic import Value
from cordpair.connectors.imis.session import ImisSession
from cordpair.connectors.imis.shapes import items, next_offset, scalar, text, values
from cordpair.errors import PermanentFailure, TemporaryFailure

_CUT = "…"
_PAGE = 100
_MOST_PAGES = 50
_GOOD = timedelta(days=1)


class Column(msgspec.Struct, frozen=True):
    """A column as it is spelled here; `width` is None where it holds any text."""

    name: str
    width: int | None = None


class Columns(msgspec.Struct, frozen=True):
    """The columns of one table, by `plain` name. `told`: iMIS named them itself, so what is missing is not there."""

    known: Mapping[str, Column]
    told: bool = False

    def find(self, name: str) -> Column | None:
        """The column that we call `name`; None when there is none here."""
        found = self.known.get(plain(name))
        return found if found is not None or self.told else Column(name)

    def held(self, row: Mapping[str, Value], needed: Collection[str]) -> list[tuple[str, Value]]:
        """What of a row there are columns for, as they are spelled here and as it fits. Empty text is left out.

        `needed` are always written: definitions do not name them.
        """
        held = []
        for name, value in row.items():
            column = self.find(name) or (Column(name) if name in needed else None)
            if column is not None and value != "":
                held.append((column.name, self.fitted(name, value) if isinstance(value, str) else value))
        return held

    def fitted(self, name: str, content: str) -> str:
        """`content` as it fits into the column; what is cut off is marked."""
        column = self.find(name)
        width = None if column is None else column.width
        if width is None or len(content) <= width:
            return content
        return content[: width - len(_CUT)] + _CUT if width > len(_CUT) else content[:width]


def plain(name: str) -> str:
    """A name without what differs between installations."""
    return name.replace("_", "").lower()


#: The legacy Activity table where nothing is told.
ACTIVITY = Columns(
    {
        plain(name): Column(name, width)
        for name, width in (
            ("ACTIVITY_TYPE", 10),
            ("SOURCE_SYSTEM", 10),
            ("OTHER_CODE", 10),
            ("DESCRIPTION", 255),
            ("UF_1", 60),
            ("UF_2", 60),
            ("UF_3", 60),
        )
    }
)


class ColumnBook:
    """What iMIS tells of its tables, asked for once a day and anew after a refusal. Nothing waits for it."""

    def __init__(self, session: ImisSession, now: Callable[[], datetime]) -> None:
        self._session, self._now = session, now
        self._known: dict[str, tuple[Columns, datetime]] = {}

    async def of(self, table: str) -> Columns:
        """The columns of a table; the widths of the oldest while iMIS tells nothing."""
        known = self._known.get(table)
        if known is None or self._now() >= known[1]:
            try:
                told = await columns_of(self._session, table)
            except TemporaryFailure:
                return believed(table, None)
            known = self._known[table] = believed(table, told), self._now() + _GOOD
        return known[0]

    def forget(self, table: str) -> None:
        """Something was refused: what is wrong may be put right in iMIS."""
        self._known.pop(table, None)


def believed(table: str, told: Columns | None) -> Columns:
    """What iMIS told, unless it told nothing, or of something that is not the table of activities."""
    if table != "Activity":
        return told or Columns({})
    return told if told is not None and told.find("ACTIVITY_TYPE") is not None else ACTIVITY


async def columns_of(session: ImisSession, entity: str) -> Columns | None:
    """What iMIS tells of `entity`; None when this installation tells nothing. Raises TemporaryFailure."""
    try:
        answer = await session.get(f"api/metadata/{entity}", {})
    except (PermanentFailure, NoSuchPage):
        return await _from_the_list(session, entity)
    return read_columns(answer) or await _from_the_list(session, entity)


def read_columns(definition: Json) -> Columns | None:
    """The columns in a definition; None when it holds none that can be read."""
    found = {plain(column.name): column for column in _columns(definition)}
    return Columns(found, told=True) if found else None


async def _from_the_list(session: ImisSession, entity: str) -> Columns | None:
    offset = 0
    for _ in range(_MOST_PAGES):
        try:
            page = await session.get("api/BoEntityDefinition", {"limit": str(_PAGE), "offset": str(offset)})
        except (PermanentFailure, NoSuchPage):
            return None
        for definition in items(page):
            if text(definition.get("EntityTypeName")).lower() == entity.lower():
                return read_columns(definition)
        following = next_offset(page)
        if following is None:
            return None
        offset = following
    return None


def _columns(definition: Json) -> Iterator[Column]:
    for entry in values(definition.get("Properties")):
        name, width = text(entry.get("Name")), scalar(entry.get("MaxLength"))
        if name:
            yield Column(name, width if isinstance(width, int) and width > 0 else None)
