"""The opponents: the least that keeps a notification durable, without tenants kept apart, sealing, or calls.

`python -m benchmarks.bare PORT URL [CARDS]` serves a handler on plain ASGI: token by a cached verdict, JSON, group
commit, 202. With CARDS it also keeps a state row and two outbox rows per notification and sends one request to that
address.
"""

import asyncio
import hashlib
import sys
import time
from typing import Any

import asyncpg
import httpx
import jwt
import msgspec
import uvicorn

SCHEMA = """
create table if not exists bare_inbox (id bigint generated always as identity primary key, key text unique not null,
    call text not null, body bytea not null, state text not null default 'new');
create index if not exists bare_new on bare_inbox (id) where state = 'new';
create table if not exists bare_calls (call text primary key, state text not null, events integer not null,
    body jsonb not null);
create table if not exists bare_outbox (id bigint generated always as identity primary key, key text unique not null,
    call text not null, state text not null, body jsonb not null);
truncate bare_inbox, bare_calls, bare_outbox;
"""
_PUT = (
    "insert into bare_inbox (key, call, body) select * from unnest($1::text[], $2::text[], $3::bytea[]) "
    "on conflict (key) do nothing returning key"
)


class _Data(msgspec.Struct):
    id: str = ""
    state: str = ""


class _Item(msgspec.Struct):
    resourceData: _Data  # noqa: N815


class _Body(msgspec.Struct):
    value: list[msgspec.Raw]


Rows = list[tuple[str, str, bytes]]
_decoder = msgspec.json.Decoder(_Body)
_item_decoder = msgspec.json.Decoder(_Item)


async def put(pool: "asyncpg.Pool[asyncpg.Record]", rows: Rows) -> None:
    """Keep (key, call, body) durably, each once."""
    await pool.fetch(_PUT, *([row[column] for row in rows] for column in range(3)))


async def fold(pool: "asyncpg.Pool[asyncpg.Record]", limit: int) -> int:
    """Events to states and two outbox rows each, in one transaction; returns how many."""
    async with pool.acquire() as connection, connection.transaction():
        rows = await connection.fetch(
            "select id, key, call, body from bare_inbox where state = 'new' order by id limit $1", limit
        )
        if not rows:
            return 0
        states: dict[str, list[Any]] = {}
        for row in rows:
            found = msgspec.json.decode(row["body"])
            found = data if isinstance(data := found.get("resourceData", found), dict) else {}
            states.setdefault(row["call"], ["", 0])
            states[row["call"]] = [str(found.get("state") or found.get("type") or "seen"), states[row["call"]][1] + 1]
        await connection.execute(
            "insert into bare_calls (call, state, events, body) "
            "select c, s, e, '{}' from unnest($1::text[], $2::text[], $3::integer[]) as t (c, s, e) "
            "on conflict (call) do update set state = excluded.state, events = bare_calls.events + excluded.events",
            list(states),
            [state for state, _ in states.values()],
            [count for _, count in states.values()],
        )
        orders = [(f"{row['key']}/{number}", row["call"]) for row in rows for number in (1, 2)]
        await connection.execute(
            "insert into bare_outbox (key, call, state, body) select k, c, 'ready', '{\"kind\": \"card\"}' "
            "from unnest($1::text[], $2::text[]) as t (k, c)",
            [key for key, _ in orders],
            [call for _, call in orders],
        )
        await connection.execute(
            "update bare_inbox set state = 'folded' where id = any($1::bigint[])", [row["id"] for row in rows]
        )
    return len(rows)


class Handler:
    """The bare durable webhook."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", cards: str, http: httpx.AsyncClient) -> None:
        self._pool, self._cards, self._http = pool, cards, http
        self._waiting: list[tuple[tuple[str, str, bytes], asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._folding = asyncio.Lock()
        self._verdicts: dict[bytes, float] = {}
        self._going: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        token = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        if self._until(token) < time.time():
            await send({"type": "http.response.start", "status": 403, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
            return
        body = bytearray()
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        item = _decoder.decode(body).value[0]
        data = _item_decoder.decode(item).resourceData
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(((f"{data.id}:{data.state}", data.id, bytes(item)), kept))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        await kept
        await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
        if self._cards and data.state == "established":
            task = asyncio.create_task(self._send_card(data.id))
            self._going.add(task)
            task.add_done_callback(self._going.discard)

    def _until(self, token: bytes) -> float:
        """The verdict, by the token's hash: until when it holds. The first one costs no signature here."""
        name = hashlib.sha256(token).digest()
        if name not in self._verdicts:
            claims = jwt.decode(token.removeprefix(b"Bearer "), options={"verify_signature": False})
            self._verdicts[name] = float(claims["exp"])
        return self._verdicts[name]

    async def _write(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:500], self._waiting[500:]
                await put(self._pool, [row for row, _ in batch])
                for _, kept in batch:
                    kept.set_result(None)
        finally:
            self._writer = None

    async def _send_card(self, call: str) -> None:
        """Fold, claim, send: one commit each for the first two."""
        async with self._folding:
            await fold(self._pool, 256)
        await self._pool.execute("update bare_outbox set state = 'sending' where call = $1 and state = 'ready'", call)
        url = f"{self._cards}/v3/conversations/bare/activities"
        await self._http.post(url, json={"call": call}, headers={"X-Call": call})


async def _serve(port: int, url: str, cards: str) -> None:
    async with asyncpg.create_pool(url, min_size=4, max_size=12) as pool, httpx.AsyncClient() as http:
        await pool.execute(SCHEMA)
        config = uvicorn.Config(
            Handler(pool, cards, http),
            port=port,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
        )
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    import uvloop

    uvloop.run(_serve(int(sys.argv[1]), sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else ""))
