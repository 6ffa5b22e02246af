"""Replies come from a process that ran foreign code: they are read with care."""

from array import array

import pytest

from hokusai.runner.errors import ProtocolError
from hokusai.runner.outputs import Outputs, read_outputs

HEADER = {
    "task": "classification",
    "columns": ["prediction", "probability.no", "probability.yes"],
    "classes": ["no", "yes"],
    "tier": "A",
    "format": "skops",
}


def outputs(*values: float) -> Outputs:
    return read_outputs(HEADER, memoryview(array("d", values).tobytes()))


def test_a_record_has_the_label_and_a_probability_per_class() -> None:
    assert outputs(1, 0.25, 0.75).records() == [
        {"prediction": "yes", "probability.no": 0.25, "probability.yes": 0.75}
    ]


def test_columns_can_be_taken_apart() -> None:
    found = outputs(0, 0.9, 0.1, 1, 0.2, 0.8)
    assert found.predictions() == ["no", "yes"]
    assert found.probabilities() == [[0.9, 0.1], [0.2, 0.8]]


def test_a_regression_has_numbers_and_no_probabilities() -> None:
    header = HEADER | {"task": "regression", "columns": ["prediction"], "classes": []}
    found = read_outputs(header, memoryview(array("d", [2.5]).tobytes()))
    assert (found.predictions(), found.probabilities()) == ([2.5], None)
    assert found.records() == [{"prediction": 2.5}]


@pytest.mark.parametrize("position", [-1.0, 2.0, 0.5, float("nan"), float("inf")])
def test_a_class_that_was_not_stated_is_an_error(position: float) -> None:
    with pytest.raises(ProtocolError):
        outputs(position, 0.5, 0.5).predictions()


@pytest.mark.parametrize(
    "change", [{"task": "other"}, {"columns": []}, {"columns": None}, {"classes": None}]
)
def test_a_reply_without_its_parts_is_an_error(change: dict[str, object]) -> None:
    with pytest.raises(ProtocolError):
        read_outputs(HEADER | change, memoryview(bytes(24)))


@pytest.mark.parametrize("size", [0, 8, 23])
def test_a_block_of_another_size_is_an_error(size: int) -> None:
    with pytest.raises(ProtocolError):
        read_outputs(HEADER, memoryview(bytes(size)))
