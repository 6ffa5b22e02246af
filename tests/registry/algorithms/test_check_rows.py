import numpy as np
import pytest

from registry.algorithms.check_rows import ROWS, check_rows, example_table


@pytest.mark.parametrize(
    "example",
    [
        {"columns": ["a", "b"], "data": [[1, 2.5]]},
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2.5]]}},
    ],
)
def test_an_example_is_read_as_mlflow_writes_it(example: object) -> None:
    found = example_table(example)
    assert found is not None
    assert found[0] == ("a", "b")
    assert found[1].tolist() == [[1.0, 2.5]]


@pytest.mark.parametrize(
    "example",
    [
        None,
        [[1, 2]],
        {"columns": ["a"], "data": []},
        {"columns": ["a"], "data": [["text"]]},
        {"columns": ["a"], "data": [[1, 2]]},
        {"columns": ["a", "b"], "data": [[1], [2, 3]]},
        {"columns": ["a"], "data": [[None]]},
        {"inputs": [1]},
    ],
)
def test_what_names_no_columns_of_numbers_is_no_example(example: object) -> None:
    assert example_table(example) is None


def test_rows_lie_at_and_around_the_example_and_keep_their_types() -> None:
    values = np.array([[1.0, 5.0, 0.0], [3.0, 70.0, 1.0]])
    rows = check_rows(values, ["double", "long", "boolean"])
    assert rows.shape == (2 + ROWS, 3)
    assert rows[:2].tolist() == values.tolist()
    assert len(np.unique(rows[:, 0])) > ROWS / 2
    assert (rows[:, 1] == np.rint(rows[:, 1])).all()
    assert set(rows[:, 2]) == {0.0, 1.0}


def test_the_rows_are_always_the_same() -> None:
    values = np.array([[1.0, 2.0]])
    assert (check_rows(values, ["double"] * 2) == check_rows(values, ["double"] * 2)).all()
