"""One server and one mother of products for all lives, and the steps that a life takes when nobody disturbs it."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.crash.life import life
from tests.crash.products import Products, products
from tests.crash.verdict import Left, wrong
from tests.databases import Server, server

Step = tuple[str, int]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    with server() as running:
        yield running


@pytest.fixture(scope="session")
def born() -> Iterator[Products]:
    with products() as made:
        yield made


@pytest.fixture(scope="session")
def undisturbed(postgresql: Server, born: Products, tmp_path_factory: pytest.TempPathFactory) -> Left:
    """A life without a kill, and all is well after it."""

    async def lived() -> Left:
        async with life(postgresql, born, tmp_path_factory.mktemp("undisturbed")) as one:
            return await one.live()

    left = asyncio.run(lived())
    assert list(wrong(left)) == []
    return left


@pytest.fixture(scope="session")
def steps(undisturbed: Left) -> list[Step]:
    """Where the product can die. How often the lease is renewed depends on the real time that a life takes."""
    return sorted(
        step for step in set(undisturbed.steps) if not (step[0].startswith("commit of engine.node") and step[1] > 1)
    )
