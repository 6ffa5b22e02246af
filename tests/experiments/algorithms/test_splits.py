import numpy as np

from experiments.algorithms.splits import default_share, kept_count, kept_for_confirmation

KEYS = [f"row {number}".encode() for number in range(800)]
SALT = b"s" * 32


def test_a_share_of_the_rows_is_kept_to_the_row() -> None:
    assert kept_for_confirmation(KEYS, SALT, 300_000).sum() == 240
    assert not kept_for_confirmation(KEYS, SALT, 0).any()
    assert kept_count(5, 300_000) == 2


def test_rows_that_share_a_key_are_on_one_side() -> None:
    keys = [f"shop {number % 40}".encode() for number in range(400)]
    kept = kept_for_confirmation(keys, SALT, 500_000)
    sides = {
        key: {bool(side) for name, side in zip(keys, kept, strict=True) if name == key}
        for key in set(keys)
    }
    assert all(len(found) == 1 for found in sides.values())
    assert kept.sum() == 200


def test_the_choice_follows_the_salt_and_not_the_order_of_the_rows() -> None:
    kept = kept_for_confirmation(KEYS, SALT, 300_000)
    backwards = kept_for_confirmation(KEYS[::-1], SALT, 300_000)
    assert (kept == backwards[::-1]).all()
    assert (kept != kept_for_confirmation(KEYS, b"t" * 32, 300_000)).any()
    assert kept.dtype == np.bool_


def test_by_default_nothing_is_kept_where_too_little_would_be_left() -> None:
    assert default_share(800, clustered=False) == 300_000
    assert default_share(300, clustered=False) == 0
    assert default_share(100, clustered=True) == 300_000
    assert default_share(95, clustered=True) == 0
