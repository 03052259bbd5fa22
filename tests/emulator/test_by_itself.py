"""The emulated cloud as a process of its own."""

import asyncio
import json
import signal
import sys
from pathlib import Path

import httpx


async def test_it_prints_where_it_listens_and_ends_on_a_signal(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    options = ("--seed", "3", "--rate", "10", "--members", "20", "--journal", str(journal))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cordpair.emulator", *options, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    url = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))["url"]
    async with httpx.AsyncClient() as http:
        world = (await http.get(f"{url}/_control/world")).json()
        await http.post(f"{url}/_control/calls", json={})
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 30) == 0
    assert [len(tenant["agents"]) for tenant in world["tenants"]] == [20, 4]
    assert json.loads(journal.read_text().splitlines()[0])["kind"] == "dialled"
