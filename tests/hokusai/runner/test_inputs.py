"""Rows reach the model in its order, complete, as finite numbers."""

import numpy as np
import pytest

from hokusai.runner.errors import InvalidInput
from hokusai.runner.inputs import InputReader
from hokusai.runner.mlmodel import InputColumn


def reader(**types: str) -> InputReader:
    return InputReader([InputColumn(name, kind) for name, kind in types.items()])


def test_rows_are_reordered_by_name() -> None:
    matrix, names = reader(a="double", b="double").rows([{"b": 2, "a": 1.5}])
    assert (matrix.tolist(), names) == ([[1.5, 2.0]], ("a", "b"))


def test_one_column_is_enough() -> None:
    assert reader(a="double").rows([{"a": 1}, {"a": 2}])[0].tolist() == [[1.0], [2.0]]


def test_a_block_is_reordered_by_name() -> None:
    raw = memoryview(np.array([[1.0, 2.0], [3.0, 4.0]]).tobytes())
    matrix, _ = reader(a="double", b="double").block(["b", "a"], raw)
    assert matrix.tolist() == [[2.0, 1.0], [4.0, 3.0]]


def test_without_a_signature_the_callers_order_holds() -> None:
    matrix, names = InputReader(None).rows([{"y": 1.0, "x": 2.0}, {"x": 4.0, "y": 3.0}])
    assert (matrix.tolist(), names) == ([[1.0, 2.0], [3.0, 4.0]], ("y", "x"))


def test_without_a_signature_every_row_has_the_columns_of_the_first() -> None:
    with pytest.raises(InvalidInput) as caught:
        InputReader(None).rows([{"y": 1.0}, {"y": 1.0, "x": 4.0}])
    assert (caught.value.row, caught.value.column) == (1, "x")


def test_truth_values_only_where_the_signature_has_them() -> None:
    assert reader(a="boolean").rows([{"a": True}])[0].tolist() == [[1.0]]
    for wrong in (reader(a="double"), reader(a="double", b="boolean")):
        with pytest.raises(InvalidInput) as caught:
            wrong.rows([dict.fromkeys(wrong.names or (), True)])
        assert caught.value.column == "a"


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        ("boolean", 2, "true or false"),
        ("boolean", 0.5, "true or false"),
        ("boolean", "yes", "true or false"),
        ("integer", 2**31, "32 bits"),
        ("long", 2**53, "below 2\\^53"),
        ("long", -(2**53), "below 2\\^53"),
        ("long", 0.5, "whole number"),
        ("float", 1e39, "32 bits"),
        ("double", 10**400, "float64"),
        ("double", [1.0], "a number"),
    ],
)
def test_a_value_outside_its_type_is_named_with_the_reason(
    kind: str, value: object, why: str
) -> None:
    with pytest.raises(InvalidInput, match=why) as caught:
        reader(a="double", n=kind).rows([{"a": 0.5, "n": 1}, {"a": 0.5, "n": value}])
    assert (caught.value.row, caught.value.column) == (1, "n")


def test_a_block_is_held_to_the_same_types() -> None:
    raw = memoryview(np.array([[0.5, 1.0], [0.5, 2.0**53]]).tobytes())
    with pytest.raises(InvalidInput) as caught:
        reader(a="double", n="long").block(["a", "n"], raw)
    assert (caught.value.row, caught.value.column) == (1, "n")


def optional(kind: str = "double") -> InputReader:
    return InputReader([InputColumn("a", "double"), InputColumn("b", kind, required=False)])


@pytest.mark.parametrize("row", [{"a": 1.0}, {"a": 1.0, "b": None}])
@pytest.mark.parametrize("kind", ["double", "long", "float"])
def test_what_is_not_required_may_be_left_out(kind: str, row: dict[str, object]) -> None:
    matrix, _ = optional(kind).rows([{"b": 3, "a": 2.0}, row])
    assert matrix[0].tolist() == [2.0, 3.0]
    assert np.isnan(matrix[1, 1])


def test_a_block_may_leave_out_what_is_not_required() -> None:
    raw = memoryview(np.array([[1.0, np.nan]]).tobytes())
    assert np.isnan(optional().block(["a", "b"], raw)[0][0, 1])
    assert np.isnan(optional().block(["a"], raw[:8])[0][0, 1])


def test_infinity_is_refused_even_where_nothing_is_required() -> None:
    raw = memoryview(np.array([[1.0, np.inf]]).tobytes())
    with pytest.raises(InvalidInput):
        optional().block(["a", "b"], raw)


def test_null_is_refused_where_a_value_is_required() -> None:
    with pytest.raises(InvalidInput) as caught:
        optional().rows([{"a": None}])
    assert (caught.value.row, caught.value.column) == (0, "a")


def test_many_rows_read_as_one_by_one() -> None:
    values = np.random.default_rng(1).normal(size=(500, 3))
    rows = [dict(zip("cab", map(float, row), strict=True)) for row in values]
    matrix, _ = reader(a="double", b="double", c="double").rows(rows)
    np.testing.assert_array_equal(matrix, values[:, [1, 2, 0]])


def test_whole_numbers_are_demanded_by_the_signature() -> None:
    with pytest.raises(InvalidInput) as caught:
        reader(a="double", n="long").rows([{"a": 0.5, "n": 1}, {"a": 0.5, "n": 1.5}])
    assert (caught.value.row, caught.value.column) == (1, "n")


@pytest.mark.parametrize("rows", [None, [], {}, [[1.0]], ["ab"], [None], "a"])
def test_what_is_no_list_of_objects_is_refused(rows: object) -> None:
    with pytest.raises(InvalidInput):
        reader(a="double").rows(rows)


def test_infinities_that_cancel_out_are_still_found() -> None:
    raw = memoryview(np.array([[np.inf, -np.inf]]).tobytes())
    with pytest.raises(InvalidInput) as caught:
        reader(a="double", b="double").block(["a", "b"], raw)
    assert (caught.value.row, caught.value.column) == (0, "a")


@pytest.mark.parametrize("columns", [None, [], ["a"], ["a", "a"], ["a", 1], ["a", "x"]])
def test_a_block_whose_columns_do_not_fit_is_refused(columns: object) -> None:
    raw = memoryview(np.zeros((3, 2)).tobytes()[:-8])
    with pytest.raises(InvalidInput):
        reader(a="double", b="double").block(columns, raw)


def test_a_model_that_wants_text_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput) as caught:
        reader(city="string")
    assert caught.value.column == "city"
