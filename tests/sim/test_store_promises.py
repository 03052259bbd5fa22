"""The store in memory keeps the promises of the real one: what is asked of PostgreSQL is asked of it too.

These are the very tests of tests/store, which run on two versions of PostgreSQL there. Left out is what is about
sealing, keys, sessions of the server, what asks by SQL, and values that only a damaged table holds.
"""

from collections.abc import AsyncIterator
from random import Random

import pytest

from tests.sim.database import Database
from tests.sim.store import MemoryStore
from tests.store.test_calls import (  # noqa: F401
    test_a_refusal_names_the_rule_and_no_value,
    test_a_second_accepted_offer_of_a_call_does_not_commit,
    test_a_tenant_with_something_to_fold_is_woken,
    test_a_timer_can_be,
    test_an_agent_is_not_rung_by_two_calls,
    test_an_offer_that_ends_makes_room_in_the_same_fold,
    test_the_floor_holds_what_lives_and_what_closed_recently,
    test_the_newest_value_of_a_call_is_kept,
    test_what_does_not_commit_leaves_nothing,
)
from tests.store.test_inbox import (  # noqa: F401
    test_a_notification_delivered_again_changes_nothing,
    test_a_notification_is_known_again_on_the_next_day,
    test_a_parked_item_waits_for_a_person_and_can_be_retried,
    test_an_item_that_can_never_be_stored_is_refused_alone,
    test_items_come_back_in_the_order_they_came_in,
    test_many_at_once_are_all_stored_and_counted_once,
    test_the_same_key_of_another_source_is_something_else,
    test_two_organisations_may_use_the_same_key,
)
from tests.store.test_leases import (  # noqa: F401
    test_a_former_owner_cannot_write,
    test_a_lease_does_not_change_hands_while_a_fold_commits,
    test_a_silent_owner_is_replaced_in_a_higher_epoch,
    test_an_owner_stays_the_owner_in_the_same_epoch,
    test_renewing_does_not_wait_for_a_fold,
    test_the_first_to_ask_becomes_the_owner,
    test_who_gives_its_tenants_back_is_replaced_at_once,
)
from tests.store.test_outbox import (  # noqa: F401
    test_a_busy_organisation_does_not_hold_up_a_quiet_one,
    test_a_lost_worker_that_had_begun_may_have_done_it,
    test_a_lost_worker_that_had_not_begun_leaves_nothing_unknown,
    test_a_parked_effect_is_seen_and_tried_again_when_a_person_says_so,
    test_a_ringing_call_overtakes_all_else,
    test_a_worker_that_lost_its_claim_does_not_begin,
    test_an_effect_is_tried_again_at_its_time,
    test_an_effect_waits_for_its_instant,
    test_only_effects_of_the_named_organisations_are_claimed,
    test_results_come_in_once_with_the_effect_that_made_them,
    test_the_same_order_twice_is_one_effect,
    test_two_workers_at_the_same_moment_claim_different_effects,
    test_what_is_claimed_is_not_claimed_again,
)


@pytest.fixture
async def store() -> AsyncIterator[MemoryStore]:
    one = MemoryStore(Database(Random(1)))
    yield one
    await one.close()
