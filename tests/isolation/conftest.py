"""One server for all tests here."""

from collections.abc import Iterator

import pytest

from tests.databases import Server, server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    with server() as running:
        yield running
