"""Examines both databases: reachable, new enough, with the schema that this version works with."""

from cordpair.engine.findings import Finding, ok, problem
from cordpair.errors import TemporaryFailure
from cordpair.store.condition import OLDEST_MAJOR, Condition, condition
from cordpair.store.databases import Databases


async def examine_databases(databases: Databases) -> list[Finding]:
    """One finding for each."""
    return [await _examine(databases.main_url, "main"), await _examine(databases.keys_url, "keys")]


async def _examine(url: str, which: str) -> Finding:
    try:
        return _judge(await condition(url, which), which)
    except TemporaryFailure as exc:
        return problem("database.away", which=which, why=str(exc))


def _judge(found: Condition, which: str) -> Finding:
    if found.major < OLDEST_MAJOR:
        return problem("database.too_old", which=which, version=found.version)
    if found.revision is None:
        return problem("database.empty", which=which)
    if found.revision != found.newest:
        key = "database.behind" if found.revision < found.newest else "database.ahead"
        return problem(key, which=which, revision=found.revision, newest=found.newest)
    return ok("database.ok", which=which, version=found.version, revision=found.revision)
