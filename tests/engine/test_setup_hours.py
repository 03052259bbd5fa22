"""Opening hours that cannot be meant are refused before they are stored, with their queue and field."""

from typing import Any

import pytest
from msgspec.structs import replace

from cordpair.core.hours import Hours
from cordpair.core.tenant import TenantSetup
from cordpair.engine.setup_check import check_setup
from cordpair.errors import Rejected
from tests.engine.test_quota import ACCOUNT, whole

USER = ACCOUNT.replace("b0", "c0")


def with_queue(**change: Any) -> TenantSetup:
    """A setup that can be applied but for this change of its queue."""
    known = whole()
    return replace(known, queues=tuple(replace(queue, **change) for queue in known.queues))


def hours(**change: Any) -> Hours:
    office = Hours(time_zone="Europe/Berlin", week=("mon-fri 08:00-12:00, 13:00-17:00",), holidays="DE-BE")
    return replace(office, exceptions=("2026-12-24 08:00-12:00",), **change)


def test_a_queue_with_hours_and_somebody_for_closed_hours_can_be_applied() -> None:
    check_setup(with_queue(hours=hours(), closed_user=USER))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hours": hours(time_zone="Berlin")}, "queues.sales.hours.time_zone: "),
        ({"hours": hours(holidays="DE-ZZ")}, "queues.sales.hours.holidays: "),
        ({"hours": hours(week=("mon 08:00-12:00, 11:00-13:00",))}, "queues.sales.hours.week: periods of mon overlap"),
        ({"closed_user": "night@example.org"}, "queues.sales: closed_user must be the Entra object id"),
        ({"closed_user": ACCOUNT}, "queues.sales: closed_user is the resource account of a queue"),
    ],
    ids=["zone", "region", "overlap", "no id", "ours"],
)
def test_what_cannot_work_is_named_by_queue_and_field(change: dict[str, Any], said: str) -> None:
    with pytest.raises(Rejected) as refused:
        check_setup(with_queue(**change))
    assert said in str(refused.value)
