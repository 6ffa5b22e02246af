import numpy as np
import pytest

from experiments.exceptions import TrainingImpossible
from experiments.training_tables import (
    TrainingTable,
    classes_of,
    joined,
    new_rows,
    positions_in,
)


def table(values: list[float], labels: list[object] | None = None) -> TrainingTable:
    matrix = np.array(values, dtype=float).reshape(-1, 1)
    return TrainingTable("rows", matrix, labels if labels is not None else [0] * len(values))


def test_rows_that_the_base_or_an_earlier_table_holds_are_left_out() -> None:
    first, second = new_rows(table([1, 2]), [table([2, 3, 3, -0.0]), table([0.0, 3, 4])])
    assert first.matrix.ravel().tolist() == [3, 0]
    assert second.matrix.ravel().tolist() == [4]


def test_a_copy_with_another_label_is_the_same_row() -> None:
    (left,) = new_rows(table([1], ["a"]), [table([1], ["b"])])
    assert len(left) == 0


def test_classes_are_of_one_kind() -> None:
    assert classes_of([table([1, 2], [1, 2.0])], "classification") == [1, 2]
    with pytest.raises(TrainingImpossible, match="numbers, some texts"):
        classes_of([table([1, 2], [1, "2"])], "classification")
    with pytest.raises(TrainingImpossible, match="labels of a regression are numbers"):
        classes_of([table([1], ["a"])], "regression")


def test_labels_become_places_and_an_empty_one_is_no_number() -> None:
    placed = positions_in(table([1, 2, 3], ["b", None, "a"]), ["a", "b"])
    assert placed[[0, 2]].tolist() == [1.0, 0.0]
    assert np.isnan(placed[1])
    values = positions_in(table([1, 2], [2.5, None]), [])
    assert values[0] == 2.5
    assert np.isnan(values[1])


def test_no_table_is_nothing_to_train_on() -> None:
    with pytest.raises(TrainingImpossible):
        joined("none", [])
