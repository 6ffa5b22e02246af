import orjson
import pytest

from deployments.api.v2.rows import (
    columns_of,
    json_body,
    stated_inputs,
    stated_outputs,
    tensors_of,
)
from deployments.api.v2.tensors import Asked, Tensor
from hokusai.core.errors import InvalidInput

SIGNATURE = {
    "inputs": [{"name": "a", "type": "double"}, {"name": "b", "type": "double"}],
    "outputs": [
        {"name": "prediction", "type": "string"},
        {"name": "probability.no", "type": "double"},
        {"name": "probability.yes", "type": "double"},
    ],
}


def asked(*inputs: Tensor) -> Asked:
    return Asked("1", inputs, (), frozenset())


def test_one_tensor_holds_the_columns_of_the_signature_in_order() -> None:
    tensor = Tensor("anything", "FP64", (2, 2), [1, 2, 3, 4])
    assert orjson.loads(json_body(asked(tensor), ["a", "b"])) == {
        "columns": ["a", "b"],
        "data": [[1, 2], [3, 4]],
    }


@pytest.mark.parametrize("shape", [(2,), (2, 1)])
def test_or_each_column_is_a_tensor(shape: tuple[int, ...]) -> None:
    inputs = [Tensor(name, "FP64", shape, [1, 2]) for name in ("b", "a")]
    assert orjson.loads(json_body(asked(*inputs), ["a", "b"])) == {
        "columns": ["b", "a"],
        "data": [[1, 1], [2, 2]],
    }


@pytest.mark.parametrize(
    ("inputs", "columns", "said"),
    [
        ([Tensor("x", "FP64", (1, 3), [1, 2, 3])], ["a", "b"], "takes 2"),
        ([Tensor("x", "FP64", (1, 3), [1, 2, 3])], [], "names no columns"),
        (
            [Tensor("a", "FP64", (1,), [1]), Tensor("b", "FP64", (2,), [1, 2])],
            ["a", "b"],
            "different numbers",
        ),
        (
            [Tensor("a", "FP64", (1, 2), [1, 2]), Tensor("b", "FP64", (1,), [1])],
            ["a", "b"],
            "one tensor per column",
        ),
    ],
)
def test_tensors_that_fit_no_rows_are_refused(
    inputs: list[Tensor], columns: list[str], said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        json_body(asked(*inputs), columns)


def test_outputs_are_a_label_and_the_probabilities_of_the_classes() -> None:
    rows = [
        {"prediction": "no", "probability.no": 0.75, "probability.yes": 0.25},
        {"prediction": "yes", "probability.no": 0.5, "probability.yes": 0.5},
    ]
    label, probability = tensors_of(rows, ())
    assert label == Tensor("prediction", "BYTES", (2,), ["no", "yes"])
    assert probability.shape == (2, 2)
    assert probability.values == [0.75, 0.25, 0.5, 0.5]
    assert probability.parameters == {"classes": ["no", "yes"]}
    assert tensors_of(rows, ("probability",)) == [probability]
    with pytest.raises(InvalidInput, match="no output 'x'"):
        tensors_of(rows, ("x",))


@pytest.mark.parametrize(("value", "datatype"), [(1, "INT64"), (1.5, "FP64"), (True, "BOOL")])
def test_a_prediction_has_the_type_of_its_values(value: object, datatype: str) -> None:
    assert tensors_of([{"prediction": value}], ())[0].datatype == datatype


def test_a_signature_is_told_as_tensors() -> None:
    assert columns_of(SIGNATURE) == ["a", "b"]
    (rows,) = stated_inputs(SIGNATURE)
    assert (rows["shape"], rows["parameters"]) == ([-1, 2], {"columns": ["a", "b"]})
    assert [one["datatype"] for one in stated_outputs(SIGNATURE)] == ["BYTES", "FP64"]
    assert stated_outputs(SIGNATURE)[1]["shape"] == [-1, 2]


def test_without_a_signature_little_is_told() -> None:
    assert columns_of({}) == []
    assert stated_inputs({})[0]["shape"] == [-1, -1]
    assert stated_outputs({})[0]["name"] == "prediction"
