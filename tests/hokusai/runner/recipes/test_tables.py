import numpy as np
import pytest

from hokusai.runner.errors import InvalidInput, TrainingDataUnusable
from hokusai.runner.recipes.tables import Gathered, gather


def gathered(
    block: object,
    tables: list[int],
    *,
    drop_gaps: bool = False,
    classes: tuple[str, ...] = ("n", "y"),
) -> Gathered:
    header = {
        "task": "classification",
        "columns": ["a"],
        "classes": list(classes),
        "tables": tables,
    }
    return gather(header, np.array(block, dtype=float), drop_gaps=drop_gaps)


def test_the_order_of_the_rows_follows_from_their_content() -> None:
    rows = [[2.0, 0], [-0.0, 1], [1.0, 1]]
    one, other = gathered(rows, [1, 2]), gathered(rows[::-1], [3])
    assert np.array_equal(one.matrix, other.matrix)
    assert np.array_equal(one.labels, other.labels)


def test_a_coalition_holds_the_rows_of_its_tables() -> None:
    found = gathered([[2.0, 0], [0.0, 1], [1.0, 1]], [1, 1, 1]).coalition([0, 2])
    assert sorted(found.matrix.ravel().tolist()) == [1.0, 2.0]
    assert sorted(found.labels.tolist()) == ["n", "y"]


def test_a_label_outside_the_classes_is_refused() -> None:
    with pytest.raises(InvalidInput):
        gathered([[1.0, 2]], [1])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_no_number_is_refused_or_left_out(value: float) -> None:
    rows = [[1.0, 0], [value, 1], [2.0, 1]]
    with pytest.raises(TrainingDataUnusable, match="Table 1, row 0: a"):
        gathered(rows, [1, 2])
    assert len(gathered(rows, [1, 2], drop_gaps=True).labels) == 2
