import hashlib
import math
import random
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai.core import merkle
from registry.algorithms.rows import (
    Column,
    RowError,
    Schema,
    digest_rows,
    encode_row,
    inputs_digest,
    row_digest,
    schema_digest,
)

PLAIN = Schema(
    (
        Column("t", "text"),
        Column("i", "integer"),
        Column("n", "number"),
        Column("b", "boolean"),
    )
)
LABELLED = Schema(
    (Column("key", "text"), Column("x", "number"), Column("y", "integer")), label="y", id="key"
)
VECTOR = bytes.fromhex("7400000002c3a969000000032d31326e3fe00000000000006201")


def test_the_documented_vector_holds() -> None:
    row = {"t": "\u00e9", "i": -12, "n": 0.5, "b": True}

    assert encode_row(row, PLAIN) == VECTOR
    assert row_digest(row, PLAIN).hex().startswith("a666e06ec45da9b122035687ea042c67")
    assert row_digest(row, PLAIN).hex() == hashlib.sha256(b"\x00hokusai-row/1" + VECTOR).hexdigest()
    assert (
        inputs_digest(row, PLAIN).hex()
        == hashlib.sha256(b"\x00hokusai-inputs/1" + VECTOR).hexdigest()
    )


def test_missing_values_have_one_form_per_type() -> None:
    row = {"t": None, "i": None, "n": None, "b": None}

    expected = b"t\xff\xff\xff\xff" + b"i\xff\xff\xff\xff" + b"n\x7f\xf8" + b"\0" * 6 + b"b\xff"

    assert encode_row(row, PLAIN) == expected


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"n": 0.0}, {"n": -0.0}),
        ({"n": 3}, {"n": 3.0}),
        ({"n": math.nan}, {"n": None}),
        ({"n": math.nan}, {"n": struct.unpack(">d", b"\xff\xf8\0\0\0\0\0\x07")[0]}),
        ({"t": "e\u0301"}, {"t": "\u00e9"}),
    ],
)
def test_equal_values_in_other_clothes_have_one_digest(left: Any, right: Any) -> None:
    row = {"t": "a", "i": 1, "n": 1.5, "b": False}

    assert row_digest(row | left, PLAIN) == row_digest(row | right, PLAIN)


@pytest.mark.parametrize("change", [{"t": ""}, {"t": None}, {"i": 2}, {"n": 1.25}, {"b": None}])
def test_every_cell_counts(change: Any) -> None:
    row = {"t": "a", "i": 1, "n": 1.5, "b": False}

    assert row_digest(row | change, PLAIN) != row_digest(row, PLAIN)


def test_a_copy_with_another_label_and_id_has_the_same_inputs() -> None:
    first, copy = {"key": "a", "x": 0.5, "y": 1}, {"key": "b", "x": 0.5, "y": 0}

    assert inputs_digest(first, LABELLED) == inputs_digest(copy, LABELLED)
    assert row_digest(first, LABELLED) != row_digest(copy, LABELLED)


def test_cells_cannot_flow_into_their_neighbours() -> None:
    schema = Schema((Column("a", "text"), Column("b", "text")))

    assert row_digest({"a": "ab", "b": ""}, schema) != row_digest({"a": "a", "b": "b"}, schema)


rows_strategy = st.lists(
    st.tuples(
        st.none() | st.text(st.characters(exclude_categories=["Cs"])),
        st.none() | st.integers(),
        st.none() | st.floats(),
        st.none() | st.booleans(),
    ),
    min_size=1,
    max_size=20,
)


def table(rows: list[tuple[Any, ...]]) -> dict[str, list[Any]]:
    return {name: [row[place] for row in rows] for place, name in enumerate("tinb")}


@settings(deadline=None)
@given(rows_strategy, st.randoms())
def test_the_root_does_not_depend_on_the_order_of_the_file(
    rows: list[tuple[Any, ...]], source: random.Random
) -> None:
    shuffled = source.sample(rows, len(rows))

    assert digest_rows(table(rows), PLAIN).root == digest_rows(table(shuffled), PLAIN).root


@settings(deadline=None)
@given(rows_strategy)
def test_a_table_gives_the_digests_of_its_rows(rows: list[tuple[Any, ...]]) -> None:
    digests = digest_rows(table(rows), PLAIN)

    singles = [row_digest(dict(zip("tinb", row, strict=True)), PLAIN) for row in rows]

    assert digests.rows == singles
    assert digests.root == merkle.root(sorted(singles)).hex()


def test_repeated_rows_count() -> None:
    once = digest_rows(table([("a", 1, 1.0, True)]), PLAIN)
    twice = digest_rows(table([("a", 1, 1.0, True)] * 2), PLAIN)

    assert once.root != twice.root


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("t", 1),
        ("i", True),
        ("i", 1.0),
        ("i", "1"),
        ("n", "1"),
        ("n", False),
        ("n", 2**53 + 1),
        ("n", 10**400),
        ("b", 1),
        ("t", "\ud800"),
    ],
)
def test_a_value_of_another_type_is_refused(column: str, value: Any) -> None:
    row = {"t": "a", "i": 1, "n": 1.5, "b": False} | {column: value}

    with pytest.raises(RowError):
        row_digest(row, PLAIN)


def test_columns_must_be_those_of_the_schema() -> None:
    with pytest.raises(RowError, match="differ"):
        digest_rows({"key": ["a"], "x": [1.0]}, LABELLED)
    with pytest.raises(RowError, match="lengths"):
        digest_rows({"key": ["a"], "x": [1.0], "y": []}, LABELLED)
    with pytest.raises(RowError, match="no column"):
        row_digest({"key": "a"}, LABELLED)


@pytest.mark.parametrize(
    ("columns", "label"),
    [((), None), ((Column("a", "text"), Column("a", "text")), None), ((Column("a", "text"),), "b")],
)
def test_a_schema_is_checked_when_made(columns: tuple[Column, ...], label: str | None) -> None:
    with pytest.raises(RowError):
        Schema(columns, label)


def test_the_schema_digest_commits_to_names_and_roles() -> None:
    other = Schema(LABELLED.columns, label="y")

    assert schema_digest(LABELLED) != schema_digest(other)
