"""A database in memory with what the engine relies on of a real one: transactions, row locks, sessions, faults.

What a transaction writes is seen by itself at once and by others when it has committed, whole (read committed). A row
that is being written is locked until then, also one that is only being made: whoever wants it waits, or passes it by.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from contextvars import copy_context
from random import Random
from typing import Any

from cordpair.errors import Rejected, TemporaryFailure, UnknownOutcome
from tests.sim.loop import PROCESS, Process, spoken

Row = Any
Place = tuple[str, Hashable]
_GONE = object()
BORN = frozenset({"offers", "outbox"})
AMBUSHED = 0.05  #: how often what lies in wait strikes at a statement, 0..1
WATCHED = frozenset({"inbox", "outbox", "timers"})  #: where those who wait look for work


class Database:
    """The tables, and who is at them."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.tables: defaultdict[str, dict[Hashable, Row]] = defaultdict(dict)
        #: Keys of rows that are asked for by their state, in the order of their making.
        self.indexes: defaultdict[str, dict[Hashable, None]] = defaultdict(dict)
        self.locks: dict[Place, Transaction] = {}
        self.open: list[Transaction] = []
        self.beacons: dict[str, Session] = {}
        self.takers: dict[str, None] = {}
        self.is_away = False
        self.trouble = Trouble()
        self.commits = 0
        self.folds: list[tuple[str, int]] = []  #: tenant and epoch of every fold, as they were committed
        self.born: dict[Place, int] = {}  #: the commit that first made a row, for orders and offers
        self.watchers: dict[int, tuple[Process | None, asyncio.Event]] = {}
        self._numbers = 0
        self._watches = 0

    def number(self) -> int:
        """The next number of the one sequence. Drawn when a row is made, so a lower one may be seen later."""
        self._numbers += 1
        return self._numbers

    async def begin(self) -> "Transaction":
        """A new transaction of the process whose turn it is."""
        transaction = Transaction(self, PROCESS.get())
        await transaction.statement()
        self.open.append(transaction)
        return transaction

    def end_sessions(self, process: Process | None = None) -> None:
        """The sessions of a process (None: of all) are gone: so are their transactions, locks and beacons."""
        for transaction in list(self.open):
            if process is None or transaction.process is process:
                transaction.cut()
        for owner, session in list(self.beacons.items()):
            if process is None or session.process is process:
                del self.beacons[owner]
                self.takers.pop(owner, None)
        for name, (whose, _) in list(self.watchers.items()):
            if whose is process is not None:
                del self.watchers[name]

    def go_away(self) -> None:
        self.is_away = True
        self.end_sessions()
        self.tell()

    def come_back(self) -> None:
        self.is_away = False
        self.tell()

    def watch(self, stirred: asyncio.Event) -> int:
        """Set the event whenever something may have changed, until `watchers` loses the number that this returns."""
        self._watches += 1
        self.watchers[self._watches] = PROCESS.get(), stirred
        return self._watches

    def tell(self) -> None:
        """Something may have changed."""
        for _, stirred in self.watchers.values():
            stirred.set()


class Session:
    """A session that says that its process lives, and hears news for it."""

    def __init__(self, process: Process | None, heard: Callable[[], None]) -> None:
        self.process = process
        self._context, self._heard = copy_context(), heard

    def tell(self) -> None:
        asyncio.get_running_loop().call_soon(self._heard, context=self._context)


class Trouble:
    """What goes wrong with how likely, 0..1 each. `slow` is how often a statement takes its time."""

    def __init__(self) -> None:
        self.slow = 0.3
        self.refused = 0.0  # a statement fails
        self.answer_lost = 0.0  # a commit is done, its answer is lost
        self.commit_lost = 0.0  # a commit is lost, and nobody knows


class Transaction:
    """One transaction. `statement` comes before everything that would go to the server."""

    def __init__(self, database: Database, process: Process | None) -> None:
        self.database, self.process = database, process
        self.is_over = False
        self.was_cut = False
        self.fold: tuple[str, int] | None = None  #: tenant and epoch, when this is a fold
        self.news = False  #: whether all sessions hear of it when this has been committed
        self._is_news = False
        self._written: dict[Place, Row] = {}
        self._mine: list[Place] = []
        self._waiters: list[asyncio.Future[None]] = []

    async def statement(self) -> None:
        """The way to the server and back. Raises TemporaryFailure when there is none."""
        database = self.database
        chance = database.chance.random()
        if self.process is not None and self.process.ambush is not None and chance < AMBUSHED:
            await spoken()
        if chance < database.trouble.slow:
            await asyncio.sleep(0.002 * database.chance.random() if chance < 0.1 else 0)
        if database.is_away or self.was_cut or (database.trouble.refused and chance > 1 - database.trouble.refused):
            raise TemporaryFailure("the database is away")

    # What there is

    def get(self, table: str, key: Hashable) -> Row | None:
        found = self._written.get((table, key)) if self._written else None
        if found is None:
            return self.database.tables[table].get(key)
        return None if found is _GONE else found

    def scan(self, table: str, index: str = "") -> Iterator[tuple[Hashable, Row]]:
        """All rows of a table, or those of an index of it; with what this transaction has written."""
        rows = self.database.tables[table]
        keys = list(self.database.indexes[index] if index else rows)
        written = [key for name, key in self._written if name == table]
        for key in dict.fromkeys([*keys, *written]) if written else keys:
            row = self.get(table, key)
            if row is not None:
                yield key, row

    # What changes

    def is_locked(self, table: str, key: Hashable) -> bool:
        """Whether somebody else is at this row."""
        return self.database.locks.get((table, key), self) is not self

    async def lock(self, table: str, key: Hashable) -> None:
        """Wait until the row is ours. It may have changed meanwhile: read it afterwards."""
        if self.was_cut:
            raise TemporaryFailure("the database is away")
        place = (table, key)
        locks = self.database.locks
        while (holder := locks.get(place)) is not None and holder is not self:
            over = asyncio.get_running_loop().create_future()
            holder._waiters.append(over)
            await over
            if self.was_cut:
                raise TemporaryFailure("the database is away")
        if holder is None:
            locks[place] = self
            self._mine.append(place)

    def put(self, table: str, key: Hashable, row: Row, *, under: str = "") -> None:
        """Write a row that is locked, in the name of its table or of `under`."""
        assert self.was_cut or self.database.locks.get((under or table, key)) is self
        self._written[table, key] = row
        self._is_news |= table in WATCHED

    def delete(self, table: str, key: Hashable) -> None:
        self._written[table, key] = _GONE

    # How it ends

    async def commit(self) -> None:
        """Make it true. Raises UnknownOutcome when nobody knows whether it has become true."""
        database, trouble = self.database, self.database.trouble
        if not self._written:
            self.abort()
            return
        chance = database.chance.random()
        try:
            await self.statement()
        except TemporaryFailure:
            self.abort()
            raise UnknownOutcome("the database went away during the commit") from None
        except BaseException:
            self.abort()
            raise
        if chance < trouble.commit_lost:
            self.abort()
            raise UnknownOutcome("the database went away during the commit")
        self._apply()
        self.abort()
        if chance < AMBUSHED:
            await spoken()
        if chance > 1 - trouble.answer_lost:
            raise UnknownOutcome("the database went away during the commit")
        if database.chance.random() < trouble.slow:
            await asyncio.sleep(0)

    def _apply(self) -> None:
        database = self.database
        database.commits += 1
        if self.fold is not None:
            database.folds.append(self.fold)
        for (table, key), row in self._written.items():
            if table in BORN:
                database.born.setdefault((table, key), database.commits)
            if row is _GONE:
                database.tables[table].pop(key, None)
            else:
                database.tables[table][key] = row
            index = INDEXES.get(table)
            if index is not None:
                index(database, key, None if row is _GONE else row)
        for session in database.beacons.values() if self.news else ():
            session.tell()

    def abort(self) -> None:
        """Give the locks back; what was not applied is forgotten."""
        if self.is_over:
            return
        self.is_over = True
        if self in self.database.open:
            self.database.open.remove(self)
        for place in self._mine:
            del self.database.locks[place]
        if self._is_news:
            self.database.tell()
        self._written = {}
        for over in self._waiters:
            if not over.done():
                over.set_result(None)

    def cut(self) -> None:
        """The session is gone. Whoever is in the midst of it hears of it with the next statement."""
        self.was_cut = True
        self.abort()


def refused(what: str) -> Rejected:
    """What the doors make of a constraint that does not hold."""
    return Rejected(f"tenant's door: the database refuses it ({what})", status=409)


def _inbox(database: Database, key: Hashable, row: Row | None) -> None:
    _enter(database.indexes["inbox.new"], key, row is not None and row.state == "new")


def _outbox(database: Database, key: Hashable, row: Row | None) -> None:
    _enter(database.indexes["outbox.open"], key, row is not None and row.state not in ("done", "parked"))


def _offers(database: Database, key: Hashable, row: Row | None) -> None:
    _enter(database.indexes["offers.ringing"], key, row is not None and row.state == "ringing")


def _calls(database: Database, key: Hashable, row: Row | None) -> None:
    _enter(database.indexes["calls.open"], key, row is not None and row.state != "closed")


def _enter(index: dict[Hashable, None], key: Hashable, belongs: bool) -> None:
    if belongs:
        index[key] = None
    else:
        index.pop(key, None)


INDEXES = {"inbox": _inbox, "outbox": _outbox, "offers": _offers, "calls": _calls}
