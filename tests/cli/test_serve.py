"""The served product as an operator starts it: a process with settings from the environment."""

import asyncio
import os
import socket
import sys
from pathlib import Path

import httpx

from cordpair.cli.tenant import read_setup
from tests.databases import folder
from tests.product.house import until


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


async def test_a_served_product_is_ready_tells_metrics_and_ends_when_told_to() -> None:
    port, metrics = free_port(), free_port()
    with folder() as data:
        settings = {"DATA_DIR": str(data), "PORT": str(port), "METRICS_PORT": str(metrics), "LOG_LEVEL": "error"}
        environment = {**os.environ, **{f"CORDPAIR_{name}": value for name, value in settings.items()}}
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "cordpair", "serve", env=environment)
        async with httpx.AsyncClient(timeout=5) as http:

            async def ready() -> bool:
                assert process.returncode is None
                try:
                    return (await http.get(f"http://127.0.0.1:{port}/health/ready")).status_code == 200
                except httpx.HTTPError:
                    return False

            await until(ready, 40)
            told = (await http.get(f"http://127.0.0.1:{metrics}/metrics")).text
        assert "cc_outbox_pending" in told
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 15) in (0, -15)


def test_the_example_of_an_organisation_can_be_applied() -> None:
    example = Path(__file__).parents[2] / "docs" / "reference" / "organisation.toml"
    setup = read_setup(example)
    assert (setup.queues[0].dispositions[1].de, setup.agents[0].queues) == ("Rückruf", ("membership", "taxes"))
