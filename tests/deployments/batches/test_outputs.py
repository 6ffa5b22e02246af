from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from deployments.batches.exceptions import BatchFailed
from deployments.batches.outputs import OutputColumns


def shape(*classes: Any) -> dict[str, Any]:
    return {"task": "classification", "columns": ["prediction"], "classes": list(classes)}


@pytest.mark.parametrize(
    ("classes", "kind"),
    [
        ((0, 1), pa.int64()),
        ((False, True), pa.bool_()),
        ((0.5, 1), pa.float64()),
        (("no", "yes"), pa.string()),
        ((1, "other"), pa.string()),
        ((0, 2**70), pa.string()),
    ],
)
def test_labels_have_the_narrowest_type(classes: tuple[Any, ...], kind: pa.DataType) -> None:
    columns = OutputColumns(shape(*classes), "", None, marks=False)
    assert columns.schema.field("prediction").type == kind
    found = columns.table(np.array([[1.0], [0.0]]), None, None)["prediction"].to_pylist()
    last, first = classes[1], classes[0]
    expected = [str(last), str(first)] if kind == pa.string() else [last, first]
    assert found == expected


@pytest.mark.parametrize("position", [2.0, -1.0, 0.5, np.nan, np.inf])
def test_a_class_that_was_not_stated_is_refused(position: float) -> None:
    columns = OutputColumns(shape("no", "yes"), "", None, marks=False)
    with pytest.raises(BatchFailed, match="did not state"):
        columns.table(np.array([[position]]), None, None)


def test_a_regression_gives_numbers() -> None:
    stated = {"task": "regression", "columns": ["prediction"], "classes": []}
    columns = OutputColumns(stated, "id", pa.string(), marks=True)
    found = columns.table(np.array([[1.5], [np.nan]]), pa.array(["a", "b"]), [None, "why"])
    assert found.to_pylist() == [
        {"id": "a", "prediction": 1.5, "error": None},
        {"id": "b", "prediction": None, "error": "why"},
    ]
