from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contributions.algorithms.shares import NothingToShare, largest_remainder, split_by_rows

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
