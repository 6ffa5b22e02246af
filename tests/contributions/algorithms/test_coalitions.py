import pytest

from contributions.algorithms.coalitions import (
    CoalitionError,
    check_players,
    everyone,
    members_of,
    membership,
)


def test_a_coalition_says_who_takes_part() -> None:
    assert members_of(0b1001) == (0, 3)
    assert members_of(0) == ()
    assert everyone(3) == 0b111
    assert membership([0b01, 0b10], 2).tolist() == [[True, False], [False, True]]


def test_a_hundred_persons_are_masks_too() -> None:
    assert members_of(everyone(100)) == tuple(range(100))


def test_credit_is_attributed_among_one_to_a_hundred_persons() -> None:
    check_players(1)
    check_players(100)
    with pytest.raises(CoalitionError, match="at most 100"):
        check_players(101)
    with pytest.raises(CoalitionError, match="nobody"):
        check_players(0)
