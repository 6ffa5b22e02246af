"""Between tensors and what the ordinary way takes and gives."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from deployments.api.v2.tensors import MATRIX, Asked, Tensor
from hokusai.core.errors import InvalidInput

ROWS: Final = "rows"
PREDICTION: Final = "prediction"
PROBABILITY: Final = "probability"
PREFIX: Final = "probability."
DATATYPE_BY_TYPE: Final = {
    "boolean": "BOOL",
    "integer": "INT32",
    "long": "INT64",
    "float": "FP32",
    "double": "FP64",
    "string": "BYTES",
}
DATATYPE_BY_VALUE: Final[dict[type, str]] = {bool: "BOOL", int: "INT64", float: "FP64"}


def json_body(asked: Asked, columns: Sequence[str]) -> bytes:
    """The JSON body of the same question on the ordinary way.

    Either one tensor of shape (n, d) in the order of `columns`, or one per column of shape (n,) or
    (n, 1), named after it. Raises InvalidInput.
    """
    first = asked.inputs[0]
    if len(asked.inputs) == 1 and len(first.shape) == MATRIX and first.name not in columns:
        return orjson.dumps({"columns": _names(first, columns), "data": _rows(first)})
    counts = {tensor.shape[0] for tensor in asked.inputs}
    if len(counts) > 1:
        raise InvalidInput("The inputs have different numbers of rows.")
    for tensor in asked.inputs:
        if len(tensor.values) != tensor.shape[0]:
            raise InvalidInput(
                f"Input {tensor.name!r}: give one tensor per column, or one for all.",
                input=tensor.name,
            )
    data = [list(row) for row in zip(*(tensor.values for tensor in asked.inputs), strict=True)]
    return orjson.dumps({"columns": [tensor.name for tensor in asked.inputs], "data": data})


def _names(tensor: Tensor, columns: Sequence[str]) -> list[str]:
    if not columns:
        raise InvalidInput("This model names no columns; give one tensor per column.")
    if tensor.shape[1] != len(columns):
        raise InvalidInput(
            f"Input {tensor.name!r} has {tensor.shape[1]} columns; the model takes {len(columns)}.",
            input=tensor.name,
        )
    return list(columns)


def _rows(tensor: Tensor) -> list[list[Any]]:
    width = tensor.shape[1]
    return [
        list(tensor.values[start : start + width]) for start in range(0, len(tensor.values), width)
    ]


def tensors_of(outputs: Sequence[Mapping[str, Any]], wanted: Sequence[str]) -> list[Tensor]:
    """`prediction` (n,) and, of classifiers, `probability` (n, classes).

    Raises InvalidInput for an output that the model does not give.
    """
    labels = [row[PREDICTION] for row in outputs]
    found = {PREDICTION: Tensor(PREDICTION, _datatype(labels), (len(labels),), labels)}
    names = [name for name in outputs[0] if name.startswith(PREFIX)]
    if names:
        values = [row[name] for row in outputs for name in names]
        classes = [name.removeprefix(PREFIX) for name in names]
        shape = (len(labels), len(names))
        found[PROBABILITY] = Tensor(PROBABILITY, "FP64", shape, values, {"classes": classes})
    for name in wanted:
        if name not in found:
            raise InvalidInput(f"The model gives no output {name[:80]!r}.", known=", ".join(found))
    return [found[name] for name in wanted or found]


def _datatype(values: Sequence[Any]) -> str:
    return DATATYPE_BY_VALUE.get(type(values[0]), "BYTES")


def stated_inputs(signature: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The one tensor that a model takes, its columns named beside it."""
    columns = columns_of(signature)
    width = len(columns) or -1
    one: dict[str, Any] = {"name": ROWS, "datatype": "FP64", "shape": [-1, width]}
    return [one | {"parameters": {"columns": columns}} if columns else one]


def stated_outputs(signature: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a model answers, as far as its signature says."""
    stated = {
        str(one.get("name")): str(one.get("type"))
        for one in signature.get("outputs") or ()
        if isinstance(one, dict)
    }
    datatype = DATATYPE_BY_TYPE.get(stated.get(PREDICTION, ""), "FP64")
    outputs = [{"name": PREDICTION, "datatype": datatype, "shape": [-1]}]
    classes = sum(name.startswith(PREFIX) for name in stated)
    if classes:
        outputs.append({"name": PROBABILITY, "datatype": "FP64", "shape": [-1, classes]})
    return outputs


def columns_of(signature: Mapping[str, Any]) -> list[str]:
    """Names of the input columns in the order of the signature; none where it has none."""
    found = [one.get("name") for one in signature.get("inputs") or () if isinstance(one, dict)]
    return [str(name) for name in found] if all(found) else []
