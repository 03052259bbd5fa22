"""Examines both databases: reachable, by a way that nobody can read, new enough, with the schema of this version."""

from cordpair.engine.findings import Finding, ok, problem, warning
from cordpair.settings import Settings
from cordpair.store.condition import OLDEST_MAJOR, Condition, condition
from cordpair.store.databases import Databases
from cordpair.store.reach import Refusal, Unreachable, Way

_REFUSED: dict[Refusal, str] = {
    Refusal.AWAY: "database.away",
    Refusal.LOGIN: "database.login",
    Refusal.MISSING: "database.missing",
    Refusal.ADDRESS: "database.address",
    Refusal.NO_TLS: "database.no_tls",
    Refusal.AUTHORITY: "database.authority",
    Refusal.NAME: "database.name",
    Refusal.EXPIRED: "database.expired",
}


async def examine_reach(settings: Settings) -> list[Finding]:
    """Which of the databases that are set up let us in not at all. Nothing is made for a look."""
    named = ((settings.database_url, "main"), (settings.keys_database_url, "keys"))
    found = [finding for url, which in named if url for finding in await _examine(url, which)]
    return [finding for finding in found if finding.key in _REFUSED.values()]


async def examine_databases(databases: Databases) -> list[Finding]:
    """What is found about the main one, then about the one of the keys."""
    return [*await _examine(databases.main_url, "main"), *await _examine(databases.keys_url, "keys")]


def is_fit(found: list[Finding]) -> bool:
    """Whether the databases can be worked with; how the way there is guarded is another matter."""
    return all(it.key == "database.ok" for it in found if it.check == "database")


async def _examine(url: str, which: str) -> list[Finding]:
    try:
        found = await condition(url, which)
    except Unreachable as exc:
        return [problem(_REFUSED[exc.refusal], which=which)]
    return [_judge(found, which), *_way(found.way, which)]


def _judge(found: Condition, which: str) -> Finding:
    if found.major < OLDEST_MAJOR:
        return problem("database.too_old", which=which, version=found.version)
    if found.writers > 1:
        return problem("database.two_primaries", which=which, count=found.writers)
    if not found.takes_writes:
        return problem("database.follows", which=which)
    if found.revision is None:
        return problem("database.empty", which=which)
    if found.revision != found.newest:
        key = "database.behind" if found.revision < found.newest else "database.ahead"
        return problem(key, which=which, revision=found.revision, newest=found.newest)
    return ok("database.ok", which=which, version=found.version, revision=found.revision)


def _way(way: Way, which: str) -> list[Finding]:
    """Nothing to say of one that does not leave this machine."""
    if way.is_local:
        return []
    if not way.tls:
        return [warning("database_way.clear", which=which)]
    if not way.is_checked:
        return [warning("database_way.unchecked", which=which, tls=way.tls)]
    return [ok("database_way.ok", which=which, tls=way.tls)]
