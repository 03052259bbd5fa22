"""What the auditor goes by: rows of the database, the emulated cloud's journal and truth, the CRMs, the nodes' logs."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from cordpair.store.keys import KeyStore
from cordpair.store.sealing import call_subject, intake_subject

Row = dict[str, Any]


class Evidence(msgspec.Struct, kw_only=True):
    """Plain rows, as they lie there. `calls` hold column `body` (JSON) and what was sealed; `inbox` its opened body.

    `activities` are those of every organisation's CRM. `journal` and `truth` are the emulated cloud's.
    """

    run: Row
    journal: list[Row]
    truth: list[Row]
    activities: dict[str, list[Row]]
    calls: list[Row]
    offers: list[Row]
    history: list[Row]
    inbox: list[Row]
    outbox: list[Row]
    agents: list[Row]
    pending: list[Row]
    logs: dict[str, str]


def rows_of(seen: Evidence) -> dict[str, list[Row]]:
    """What the database held, for whoever looks for the cause afterwards."""
    return {name: getattr(seen, name) for name in _TABLES}


async def gathered(folder: Path) -> Evidence:
    """Everything that a run has left in `folder` and in its database."""
    run = json.loads((folder / "run.json").read_text())
    async with asyncpg.create_pool(run["keys_url"], min_size=1, max_size=1) as pool:
        keys = KeyStore(pool, base64.b64decode(run["operator_key"]))
        main = await asyncpg.connect(run["main_url"])
        try:
            tables = {name: [dict(row) for row in await main.fetch(query)] for name, query in _TABLES.items()}
        finally:
            await main.close()
        await _open_calls(keys, tables["calls"])
        await _open_inbox(keys, tables["inbox"])
    return Evidence(
        run=run,
        journal=[json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()],
        truth=json.loads((folder / "truth.json").read_text()),
        activities=json.loads((folder / "activities.json").read_text()),
        logs={name: (folder / name).read_text() for name in run["logs"]},
        **tables,
    )


async def _open_calls(keys: KeyStore, rows: Sequence[Row]) -> None:
    for row in rows:
        ring = await keys.for_reading(row["tenant"], [call_subject(row["call"])])
        opened = ring.open("calls.sealed", call_subject(row["call"]), row.pop("sealed"), row["call"])
        row["body"] = json.loads(row["body"])
        row["personal"] = json.loads(opened)


async def _open_inbox(keys: KeyStore, rows: Sequence[Row]) -> None:
    for row in rows:
        subject = intake_subject(row["received_at"])
        ring = await keys.for_reading(row["tenant"], [subject])
        opened = ring.open("inbox.sealed", subject, row.pop("sealed"), f"{row['source']}:{row['key']}")
        row["body"] = json.loads(opened)


_TABLES = {
    "calls": "select tenant::text as tenant, call, state, queue, sequence, arrived_at, connected_at, ended_at, agent, "
    "outcome, body, sealed from calls order by tenant, sequence",
    "offers": "select tenant::text as tenant, call, number, agent, state, made_at, ended_at, why from offers",
    "history": "select tenant::text as tenant, id, call, agent, what, before, after, detail::text as detail "
    "from history order by tenant, id",
    "inbox": "select tenant::text as tenant, id, source, key, received_at, state, error, sealed from inbox",
    "outbox": "select tenant::text as tenant, id, key, kind, call, state, attempts, reason from outbox",
    "agents": "select tenant::text as tenant, agent, state, call from agents where active",
    "pending": "select tenant::text as tenant, call, reason from pending_items",
}
