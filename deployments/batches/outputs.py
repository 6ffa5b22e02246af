"""What a batch answers, as typed columns: the rows' ids, the outputs, and why a row has none."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from deployments.batches.exceptions import BatchFailed
from hokusai.runner.outputs import Outputs

Floats = npt.NDArray[np.float64]
PREDICTION, ERROR = "prediction", "error"
_INT64 = range(-(2**63), 2**63)
# Whole numbers up to here are floats without loss.
_EXACT = 2**53


def shape_of(outputs: Any) -> dict[str, Any]:
    """Task, columns and classes, as a batch keeps them; of outputs or of a description."""
    return {
        "task": outputs.task,
        "columns": list(outputs.columns),
        "classes": list(outputs.classes),
    }


def values_of(outputs: Outputs, shape: Mapping[str, Any], rows: int) -> Floats:
    """The outputs (rows, k) float64. Raises BatchFailed where the model answers otherwise now."""
    values = np.asarray(outputs.values)
    if shape_of(outputs) != dict(shape) or len(values) != rows:
        raise BatchFailed("The model's answers changed their form within the batch.")
    return values


class OutputColumns:
    """Typed columns of a batch's outputs."""

    def __init__(
        self, shape: Mapping[str, Any], id_column: str, id_type: pa.DataType | None, *, marks: bool
    ) -> None:
        self._names: list[str] = list(shape["columns"])
        self._labels = _labels(shape) if shape["task"] == "classification" else None
        self._id_column, self._marks = id_column, marks
        self.schema = self._schema(id_type)

    def _schema(self, id_type: pa.DataType | None) -> pa.Schema:
        taken = {*self._names, ERROR} if self._marks else set(self._names)
        if self._id_column in taken:
            raise BatchFailed(f"The id column has the name of an output: {self._id_column!r}.")
        fields = [pa.field(self._id_column, id_type)] if self._id_column and id_type else []
        first = self._labels.type if self._labels is not None else pa.float64()
        fields.append(pa.field(self._names[0], first))
        fields += [pa.field(name, pa.float64()) for name in self._names[1:]]
        if self._marks:
            fields.append(pa.field(ERROR, pa.string()))
        return pa.schema(fields)

    def table(
        self, values: Floats, ids: pa.Array | None, errors: Sequence[str | None] | None
    ) -> pa.Table:
        """Rows of the result; a row with an error has no outputs.

        Raises BatchFailed for a class that the model did not state.
        """
        mask = None
        if errors is not None:
            mask = np.array([error is not None for error in errors])
        arrays = [] if ids is None else [ids]
        arrays.append(self._first(values[:, 0], mask))
        arrays += [
            pa.array(np.ascontiguousarray(values[:, place]), mask=mask)
            for place in range(1, len(self._names))
        ]
        if self._marks:
            nothing = pa.nulls(len(values), pa.string())
            arrays.append(nothing if errors is None else pa.array(errors, pa.string()))
        return pa.table(arrays, schema=self.schema)

    def _first(self, column: Floats, mask: npt.NDArray[np.bool_] | None) -> pa.Array:
        if self._labels is None:
            return pa.array(np.ascontiguousarray(column), mask=mask)
        known = column if mask is None else np.where(mask, 0.0, column)
        # The sender ran foreign code: NaN, fractions and positions outside are possible.
        with np.errstate(invalid="ignore"):
            places = known.astype(np.int64)
        within = (places == known) & (places >= 0) & (places < len(self._labels))
        if not within.all():
            raise BatchFailed("The model's process answered with a class it did not state.")
        return self._labels.take(pa.array(places, mask=mask))


def _labels(shape: Mapping[str, Any]) -> pa.Array:
    """The classes in the narrowest type that holds them all."""
    classes: list[Any] = list(shape["classes"])
    kinds = {type(label) for label in classes}
    if kinds == {bool}:
        return pa.array(classes, pa.bool_())
    if kinds == {int} and all(label in _INT64 for label in classes):
        return pa.array(classes, pa.int64())
    if kinds <= {int, float} and all(-_EXACT <= label <= _EXACT for label in classes):
        return pa.array([float(label) for label in classes], pa.float64())
    return pa.array([str(label) for label in classes], pa.string())
