"""A short load: everything holds, and what was taken is given back. The whole of it: `./run load`."""

import pytest

from tests.databases import folder
from tests.load.day import Load, loaded


@pytest.mark.long
async def test_a_busy_minute_leaves_nothing_wrong_behind() -> None:
    told: list[str] = []
    load = Load(minutes=0.4, tenants=4, queues=8, agents=40, calls_per_s=1.0, presence_per_s=20.0)
    with folder() as place:
        lines = await loaded(load, place, told.append)
    assert lines[0].ours == 0, "\n".join(told)
