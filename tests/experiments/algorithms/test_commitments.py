import hmac
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest

from experiments.algorithms.commitments import (
    CommitmentError,
    disclose,
    outcome_rows,
    row_salt,
    salted_root,
    verify_disclosed,
)

SECRET = bytes(range(32))
ROWS = [b"alpha", b"beta", b"gamma", b"delta", b"epsilon"]
# Made by hashlib and hmac alone, as the module's docstring says; README.md lists the same.
ROOTS = {
    1: "03d251c3cb86f3f1837eed4be67a52d2ec1dfb93788746cc928905b086edbc18",
    2: "1b16a39a468dffa0c47ca4874ada25d5d3358d3e4c8dfc0738bd457ef22c8345",
    5: "5186df40577f6742c8f6e909d13ef978d59588cae707cf6eadea79b25a18d198",
}


def plain_root(leaves):
    """RFC 6962, section 2.1, as it is written there."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, right = plain_root(leaves[:split]), plain_root(leaves[split:])
    return sha256(b"\x01" + left + right).digest()


def plain_leaves(rows, secret=SECRET):
    salts = [
        hmac.new(secret, index.to_bytes(8, "big"), "sha256").digest() for index in range(len(rows))
    ]
    return [sha256(b"\x00" + salt + row).digest() for salt, row in zip(salts, rows, strict=True)]


@pytest.mark.parametrize("count", ROOTS)
def test_the_root_is_the_published_one(count):
    assert salted_root(ROWS[:count], SECRET).hex() == ROOTS[count]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8, 13])
def test_every_row_can_be_shown_and_only_in_its_place(count):
    rows = [b"row %d" % index for index in range(count)]
    commitment = salted_root(rows, SECRET)
    assert commitment == plain_root(plain_leaves(rows))
    for index in range(count):
        shown = disclose(rows, SECRET, index)
        assert verify_disclosed(shown, commitment)
        for other in set(range(count)) - {index}:
            assert not verify_disclosed(replace(shown, index=other), commitment)


def test_any_change_to_what_is_shown_is_noticed():
    commitment = salted_root(ROWS, SECRET)
    shown = disclose(ROWS, SECRET, 2)
    turned = bytes([shown.path[0][0] ^ 1]) + shown.path[0][1:]
    for changed in (
        replace(shown, row=b"gamma "),
        replace(shown, salt=row_salt(SECRET, 1)),
        replace(shown, salt=shown.salt[:-1], row=shown.salt[-1:] + shown.row),
        replace(shown, path=(turned, *shown.path[1:])),
        replace(shown, path=shown.path[:-1]),
        replace(shown, path=(*shown.path, shown.path[-1])),
        replace(shown, index=-1),
        replace(shown, index=5),
    ):
        assert not verify_disclosed(changed, commitment)
    assert not verify_disclosed(shown, salted_root(ROWS[:4], SECRET))


def test_equal_rows_have_different_leaves_so_that_a_path_confirms_no_guess():
    shown = disclose([b"same", b"same"], SECRET, 0)
    assert shown.path[0] != sha256(b"\x00" + shown.salt + b"same").digest()
    assert shown.path[0] != sha256(b"\x00" + b"same").digest()


def test_an_outcome_row_names_its_metrics_in_order():
    rows = outcome_rows(
        {
            "log_loss": np.array([[5], [7]], dtype=np.int64),
            "f1": np.array([[1, 0, -1], [0, 1, 0]], dtype=np.int64),
        }
    )
    assert rows == [b'{"f1":[1,0,-1],"log_loss":[5]}', b'{"f1":[0,1,0],"log_loss":[7]}']
    assert outcome_rows({"accuracy": np.array([1_000_000, 0])})[0] == b'{"accuracy":[1000000]}'


def test_what_cannot_be_committed_to_is_refused():
    with pytest.raises(CommitmentError, match="no row"):
        salted_root([], SECRET)
    with pytest.raises(CommitmentError, match="32 bytes"):
        salted_root(ROWS, b"short")
    with pytest.raises(CommitmentError, match="no row 5"):
        disclose(ROWS, SECRET, 5)
    with pytest.raises(CommitmentError, match="different numbers"):
        outcome_rows({"a": np.zeros(2, dtype=np.int64), "b": np.zeros(3, dtype=np.int64)})
