"""No personal text stands on the disk: not in tables, not in the log of changes, not in the server's own log."""

import asyncio
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from cordpair.core.agent import Agent
from cordpair.core.changes import Changes
from cordpair.core.content_keys import ContentKey
from cordpair.core.ids import PartyRef
from cordpair.core.party import ChatReference, PartyRecord
from cordpair.errors import Rejected
from cordpair.settings import Settings
from cordpair.store import postgres
from cordpair.store.doors import Store
from cordpair.store.inbox import Incoming
from cordpair.store.marks import Subscription
from cordpair.store.parties import IndexedParty, IndexedPhone
from tests.databases import OPERATOR_KEY, folder
from tests.store.world import ANA, CANARY, NOON, A, call, configured, leased

NUMBER = "+4930555123987"


async def test_no_personal_text_stands_on_the_disk() -> None:
    with folder() as data_dir:
        async with postgres.running(Settings(data_dir=data_dir)) as databases:
            store = await Store.open(databases, OPERATOR_KEY, pool_size=2)
            await _live_through_a_day(store)
            await store.close()
            await _settle(databases.main_url)
            found = await asyncio.to_thread(_files_with, data_dir, (CANARY.encode(), NUMBER[-7:].encode()))
            control = await asyncio.to_thread(_files_with, data_dir, (b"heard_of-control",))
    assert found == []
    assert control  # what stands in the clear would have been found


async def _live_through_a_day(store: Store) -> None:
    await configured(store, A)
    epoch = await leased(store, A)
    await store.accept(A, [Incoming("graph", "n1", f'{{"caller": "{CANARY}"}}'.encode(), NOON)])
    ana = Agent(id=ANA, name=f"Ana {CANARY}", since=NOON, idle_since=NOON)
    for _ in range(3):  # old versions of rows count too
        async with store.open_tenant(A) as rows:
            item = [row.id for row in await rows.inbox.unfolded(1)]
            await rows.write_fold(
                owner="node-1",
                epoch=epoch,
                changes=Changes(calls={call().id: call(outcome_reason="heard_of-control")}, agents={ANA: ana}),
                folded={one: CANARY.encode() for one in item},
                fired=[],
                now=NOON + timedelta(seconds=1),
            )
    async with store.open_tenant(A) as rows:
        party = PartyRecord(ref=PartyRef("imis", "101"), name=f"Erika {CANARY}", company=f"{CANARY} GmbH")
        await rows.parties.upsert([IndexedParty(party, (IndexedPhone(NUMBER, CANARY),))])
        await rows.chats.put(ANA, ChatReference(conversation=f"a:{CANARY}", service_url="https://smba.example"))
        await rows.subscriptions.put(
            Subscription(
                kind="presence",
                graph_id="g",
                client_state=f"{CANARY}-state",
                expires_at=NOON,
                keys=(ContentKey(id="k", certificate=b"c", private=f"{CANARY}-key".encode(), made_at=NOON),),
            )
        )
    with pytest.raises(Rejected):  # PostgreSQL's message of this one quotes the value
        async with store.open_tenant(A) as rows:
            await rows.inbox._scope.connection.fetch("select $1::text::integer", CANARY)


async def _settle(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("analyze")
    await connection.execute("checkpoint")
    await connection.close()


def _files_with(folder: Path, needles: tuple[bytes, ...]) -> list[str]:
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and any(needle in path.read_bytes() for needle in needles)
    ]
