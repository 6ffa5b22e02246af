from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contributions.algorithms.shares import (
    NothingToShare,
    SharesUnsound,
    Worth,
    check_shares,
    largest_remainder,
    split_by_rows,
    split_by_values,
    split_over_contributions,
)

addresses = st.integers(1, 2**160 - 1).map(lambda number: f"0x{number:040x}")
rows_by_address = st.dictionaries(
    addresses, st.integers(0, 10**12), min_size=1, max_size=120
).filter(lambda rows: any(rows.values()))


@settings(deadline=None)
@given(rows_by_address)
def test_shares_always_sum_to_the_whole_and_stay_within_one_point(rows: dict[str, int]) -> None:
    split = split_by_rows(rows)
    total = sum(rows.values())

    assert sum(split.shares.values()) == 10_000
    assert split.method == "row-weights/1"
    assert split.shares.keys() == {address for address, count in rows.items() if count}
    for address, share in split.shares.items():
        assert abs(Fraction(10_000 * rows[address], total) - share) < 1


@settings(deadline=None)
@given(rows_by_address, st.randoms())
def test_shares_do_not_depend_on_the_order(rows: dict[str, int], source: object) -> None:
    items = list(rows.items())
    source.shuffle(items)

    assert split_by_rows(dict(items)) == split_by_rows(rows)


def test_equal_remainders_are_served_in_the_order_of_addresses() -> None:
    split = split_by_rows({"0xB": 1, "0xa": 1, "0xc": 1})

    assert split.shares == {"0xa": 3334, "0xB": 3333, "0xc": 3333}


def test_the_largest_remainder_gets_what_is_left() -> None:
    assert largest_remainder({"a": Fraction(1), "b": Fraction(2)}) == {"a": 3333, "b": 6667}


def test_more_rows_never_earn_less() -> None:
    shares = split_by_rows({f"0x{n:02}": n for n in range(1, 60)}).shares

    assert list(shares.values()) == sorted(shares.values())


@pytest.mark.parametrize("rows", [{}, {"a": 0}])
def test_nothing_cannot_be_shared(rows: dict[str, int]) -> None:
    with pytest.raises(NothingToShare):
        split_by_rows(rows)


def test_negative_rows_are_an_error() -> None:
    with pytest.raises(ValueError, match="negative"):
        split_by_rows({"a": 3, "b": -1})


def worth(address: str, value: int, low: int | None = 1, **rows: int) -> Worth:
    return Worth(address, value, low, rows or {f"{address}-data": 10})


def test_values_are_scaled_to_the_whole() -> None:
    assert split_by_values([worth("0xa", 300), worth("0xb", 100)]) == {"0xa": 7500, "0xb": 2500}


def test_a_negative_value_is_nothing_and_costs_nobody() -> None:
    people = [worth("0xa", 300), worth("0xb", 100), worth("0xc", -400, -900)]
    assert split_by_values(people) == {"0xa": 7500, "0xb": 2500}


@pytest.mark.parametrize("low", [0, -5, None])
def test_a_value_that_chance_explains_is_not_paid(low: int | None) -> None:
    assert split_by_values([worth("0xa", 300), worth("0xb", 300, low)]) == {"0xa": 10_000}


def test_nobody_above_zero_shares_nothing() -> None:
    with pytest.raises(NothingToShare):
        split_by_values([worth("0xa", 300, -1), worth("0xb", -1, -2)])


def test_equal_values_leave_the_odd_point_to_the_first_address() -> None:
    people = [worth("0xC", 5), worth("0xb", 5), worth("0xA", 5)]
    assert split_by_values(people) == {"0xA": 3334, "0xb": 3333, "0xC": 3333}


def test_an_address_stands_for_one_person() -> None:
    with pytest.raises(ValueError, match="once"):
        split_by_values([worth("0xa", 5), worth("0xA", 5)])


def test_a_persons_share_is_split_over_the_gifts_by_new_rows() -> None:
    people = [worth("0xa", 3, 1, first=30, second=10, copied=0), worth("0xb", 1)]
    shares = split_over_contributions(people, split_by_values(people))
    assert shares == {"first": 5625, "second": 1875, "0xb-data": 2500}
    check_shares(shares)


def test_who_has_no_share_has_none_in_any_gift() -> None:
    assert split_over_contributions([worth("0xa", 3)], {}) == {}


@pytest.mark.parametrize("bad", [{"a": 9_999}, {"a": 10_001}, {"a": 10_000, "b": 0}, {"a": -1}])
def test_shares_that_do_not_sum_are_refused(bad: dict[str, int]) -> None:
    with pytest.raises(SharesUnsound):
        check_shares(bad)


def test_no_shares_at_all_are_sound() -> None:
    check_shares({})
    check_shares({"a": 9_999, "b": 1})
