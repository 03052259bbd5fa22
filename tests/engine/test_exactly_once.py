"""However a CRM answers and whenever the worker is killed: each call becomes one activity. The benchmark, in small."""

import pytest

from benchmarks import exactly_once


@pytest.mark.long
def test_calls_become_one_activity_each_whatever_the_crm_answers_and_whenever_the_worker_is_killed() -> None:
    twice, lost, _ = exactly_once.run(calls=300, kills=5, seed=23)
    assert (twice.ours, lost.ours) == (0, 0)
    assert twice.theirs
    assert lost.theirs
