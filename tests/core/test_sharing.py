"""How processes share the organisations."""

from cordpair.core.ids import TenantId
from cordpair.core.sharing import fair_share, surplus

ALL = [TenantId(f"t{number}") for number in range(20)]


def test_shares_are_even_and_cover_everybody() -> None:
    assert [fair_share(20, nodes) for nodes in (1, 2, 3, 20, 21)] == [20, 10, 7, 1, 1]


def test_who_is_alone_or_not_yet_counted_takes_everything() -> None:
    assert fair_share(20, 0) == 20


def test_who_has_too_many_gives_away_what_it_got_last() -> None:
    assert surplus(ALL, 17) == (ALL[17], ALL[18], ALL[19])
    assert surplus(ALL[:7], 7) == ()
