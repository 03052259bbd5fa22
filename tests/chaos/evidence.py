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
from tests.chaos.trail import signer_of

Row = dict[str, Any]


class Evidence(msgspec.Struct, kw_only=True):
    """Plain rows, as they lie there. `calls` hold column `body` (JSON) and what was sealed; `inbox` its opened body.

    `signer` is the public key that audit trails must be signed by, `database` what the server itself says of its state.
    `activities` are those of every organisation's CRM. `journal` and `truth` are the emulated cloud's.
    """

    run: Row
    journal: list[Row]
    truth: list[Row]
    activities: dict[str, list[Row]]
    calls: list[Row]
    offers: list[Row]
    legs: list[Row]
    history: list[Row]
    inbox: list[Row]
    outbox: list[Row]
    agents: list[Row]
    pending: list[Row]
    audit_records: list[Row]
    audit_chain: list[Row]
    audit_heads: list[Row]
    audit_checkpoints: list[Row]
    signer: bytes
    database: Row
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
            database = dict((await main.fetch(_STATE))[0])
        finally:
            await main.close()
        await _open_calls(keys, tables["calls"])
        await _open_inbox(keys, tables["inbox"])
    return Evidence(
        run=run,
        signer=signer_of(base64.b64decode(run["operator_key"])),
        database=database,
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
    "legs": "select tenant::text as tenant, call, number, agent, joined_at, left_at from legs",
    "history": "select tenant::text as tenant, id, at, call, agent, what, before, after, detail::text as detail "
    "from history order by tenant, id",
    "inbox": "select tenant::text as tenant, id, source, key, received_at, state, error, sealed from inbox",
    "outbox": "select tenant::text as tenant, id, key, kind, call, state, attempts, reason from outbox",
    "agents": "select tenant::text as tenant, agent, state, call from agents where active",
    **{
        name: f"select t.*, t.tenant::text as tenant from {name} t"
        for name in ("audit_records", "audit_chain", "audit_heads", "audit_checkpoints")
    },
    "pending": "select tenant::text as tenant, call, reason from pending_items",
}

_STATE = """
select (select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
    and xact_start < now() - interval '10 seconds') as old_transactions,
  (select count(*) from pg_prepared_xacts) as prepared, (select count(*) from pg_replication_slots) as slots,
  (select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()) as sessions
"""
