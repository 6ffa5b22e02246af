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


def test_truth_values_only_where_the_signature_has_them() -> None:
    assert reader(a="boolean").rows([{"a": True}])[0].tolist() == [[1.0]]
    with pytest.raises(InvalidInput):
        reader(a="double").rows([{"a": True}])


def test_whole_numbers_are_demanded_by_the_signature() -> None:
    with pytest.raises(InvalidInput) as caught:
        reader(a="double", n="long").rows([{"a": 0.5, "n": 1}, {"a": 0.5, "n": 1.5}])
    assert (caught.value.row, caught.value.column) == (1, "n")


@pytest.mark.parametrize("rows", [None, [], {}, [[1.0]], ["ab"], [None], "a"])
def test_what_is_no_list_of_objects_is_refused(rows: object) -> None:
    with pytest.raises(InvalidInput):
        reader(a="double").rows(rows)


def test_a_number_beyond_float64_is_refused() -> None:
    with pytest.raises(InvalidInput):
        reader(a="double").rows([{"a": 10**400}])


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
