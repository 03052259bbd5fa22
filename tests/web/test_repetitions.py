"""When a delivery is the same again, and when it is news."""

from datetime import UTC, datetime, timedelta

from cordpair.web.repetitions import WINDOW, Repetitions

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
CALL = "a-call"


def names(*contents: str, call: str = CALL, apart: timedelta = timedelta(seconds=1)) -> list[str]:
    """How one node names these deliveries, one after the other."""
    node = Repetitions()
    return [node.key(content, NOON + number * apart, call=call) for number, content in enumerate(contents)]


def test_what_a_call_comes_back_to_is_news_each_time() -> None:
    assert len(set(names("established", "hold", "established", "hold", "established"))) == 5


def test_what_is_said_again_directly_after_itself_is_a_repetition() -> None:
    first, again, hold, back, back_again = names("established", "established", "hold", "established", "established")
    assert first == again
    assert back == back_again
    assert len({first, hold, back}) == 3


def test_the_same_long_after_is_news() -> None:
    first, later = names("established", "established", apart=WINDOW)
    assert first != later


def test_the_edge_of_a_window_lies_between_no_two_deliveries_of_one_node() -> None:
    node = Repetitions()
    before = NOON - timedelta(seconds=1)  # noon begins a window
    assert node.key("ringing", before, call=CALL) == node.key("ringing", NOON, call=CALL)


def test_nodes_that_heard_the_same_in_the_same_order_name_alike() -> None:
    heard = ("ringing", "established", "hold", "established")
    assert names(*heard) == names(*heard)


def test_a_node_that_heard_the_call_for_the_first_time_names_it_like_the_others() -> None:
    assert names("established") == names("established", "hold")[:1]


def test_news_of_one_call_make_no_news_of_another() -> None:
    node = Repetitions()
    first = node.key("one established", NOON, call="one")
    node.key("another established", NOON, call="another")
    assert node.key("one established", NOON, call="one") == first


def test_a_roster_between_two_does_not_make_the_second_news() -> None:
    node = Repetitions()
    first = node.key("established", NOON, call=CALL)
    node.key("roster 7", NOON)
    assert node.key("established", NOON, call=CALL) == first


def test_a_roster_that_comes_again_is_a_repetition_whatever_came_between() -> None:
    node = Repetitions()
    first = node.key("roster 7", NOON)
    node.key("roster 8", NOON)
    assert node.key("roster 7", NOON) == first


def test_a_clock_that_was_set_back_makes_no_repetition_of_what_comes_now() -> None:
    node = Repetitions()
    first = node.key("established", NOON, call=CALL)
    assert node.key("established", NOON - timedelta(hours=1), call=CALL) != first


def test_no_more_is_remembered_than_there_is_room_for() -> None:
    node = Repetitions(remembered=3)
    for number in range(10):
        node.key("established", NOON, call=str(number))
    assert len(node._last) == 3


def test_a_name_fits_into_the_inbox() -> None:
    assert all(len(name) < 100 for name in names("f" * 64, "0" * 64, "f" * 64))
