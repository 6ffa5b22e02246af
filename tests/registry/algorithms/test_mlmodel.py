import json
from typing import Any

import pytest

from registry.algorithms.mlmodel import MAX_FLAVOR, DescriptionError, describe

COLUMN = {"name": "x", "type": "double", "required": True}


@pytest.mark.parametrize(
    ("flavors", "flavor"),
    [
        (["python_function", "sklearn"], "sklearn"),
        (["python_function", "sklearn", "onnx"], "onnx"),
        (["python_function"], "python_function"),
        (["crate"], "crate"),
        ([], ""),
    ],
)
def test_the_flavor_is_the_one_that_names_the_model_best(flavors: list[str], flavor: str) -> None:
    assert describe({"flavors": {name: {} for name in flavors}}).flavor == flavor


def test_a_flavor_longer_than_its_column_is_cut() -> None:
    assert len(describe({"flavors": {"f" * 100: {}}}).flavor) == MAX_FLAVOR


def test_the_signature_is_read_from_its_text() -> None:
    stated = {"inputs": json.dumps([COLUMN]), "outputs": json.dumps([COLUMN]), "params": None}
    described = describe({"flavors": {}, "signature": stated, "run_id": "r1"})
    assert described.signature == {"inputs": [COLUMN], "outputs": [COLUMN]}
    assert described.run_id == "r1"


@pytest.mark.parametrize("signature", [None, {}, {"inputs": None}, {"inputs": ""}])
def test_a_model_may_state_no_signature(signature: Any) -> None:
    assert describe({"flavors": {"onnx": {}}, "signature": signature}).signature == {}


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "text",
        {},
        {"flavors": ["onnx"]},
        {"flavors": {}, "signature": ["x"]},
        {"flavors": {}, "signature": {"inputs": '{"x": 1}'}},
        {"flavors": {}, "signature": {"inputs": "[1, 2]"}},
        {"flavors": {}, "signature": {"inputs": [COLUMN]}},
    ],
)
def test_what_is_no_mlmodel_file_is_refused(document: Any) -> None:
    with pytest.raises(DescriptionError):
        describe(document)


def test_a_signature_that_is_no_json_is_refused_as_a_value() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        describe({"flavors": {}, "signature": {"inputs": "[}"}})
