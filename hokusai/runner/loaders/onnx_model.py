"""ONNX models in onnxruntime: one thread, no custom operators, files of the tree only."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime as ort
import orjson

from hokusai.runner.errors import FormatRefused, OutputContract
from hokusai.runner.inputs import InputReader
from hokusai.runner.loaders.base import (
    Floats,
    Shape,
    classifier_shape,
    column,
    joined,
    positions,
    regression,
)
from hokusai.runner.mlmodel import InputColumn, ModelFile
from hokusai.runner.outputs import Label

DTYPES: Final[dict[str, Any]] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
}
LABEL_TYPES: Final = ("tensor(int64)", "tensor(string)")
CLASS_ATTRIBUTES: Final = frozenset({"classlabels_int64s", "classlabels_ints"})
TEXT_ATTRIBUTE: Final = "classlabels_strings"
# A JSON list, for graphs that no classifier node ends.
CLASSES_PROPERTY: Final = "classes"


class OnnxModel:
    """An inference session as a `LoadedModel`.

    Takes one (n, inputs) tensor or one (n, 1) tensor per column. Gives labels and probabilities
    (a tensor or ZipMap's dicts), or one number per row.
    """

    def __init__(self, session: Any, graph: Callable[[], Any], described: ModelFile) -> None:
        self._run = session.run
        self._inputs = [(i.name, _dtype(i.type)) for i in session.get_inputs()]
        names = described.inputs
        if len(self._inputs) > 1:
            stated = {c.name: c for c in names or ()}
            names = tuple(stated.get(n, InputColumn(n, "double")) for n, _ in self._inputs)
        self.reader = InputReader(names)
        outputs = session.get_outputs()
        self.shape: Shape | None = None
        self._wanted = [output.name for output in outputs[:2]]
        if outputs[0].type in LABEL_TYPES:
            self.shape = self._classifier(graph(), outputs)
        elif len(outputs) > 1:
            raise OutputContract("An ONNX model gives a label and probabilities, or one number.")

    def _classifier(self, model: Any, outputs: list[Any]) -> Shape:
        classes = _classes(model)
        self._zip = len(outputs) > 1 and not outputs[1].type.startswith("tensor(")
        return classifier_shape(classes, probabilities=len(outputs) > 1)

    def run(self, matrix: Floats, names: tuple[str, ...]) -> tuple[Shape, Floats]:
        """See `LoadedModel.run`."""
        n = len(matrix)
        found = self._run(self._wanted, self._feed(matrix))
        shape = self.shape
        if shape is None:
            return regression(np.asarray(found[0]), n)
        first = positions(column(np.asarray(found[0]), n), shape.classes)
        if len(found) == 1:
            return shape, first.reshape(-1, 1)
        given = found[1]
        if self._zip:
            given = np.array([[row[label] for label in shape.classes] for row in given])
        return shape, joined(first, np.asarray(given), len(shape.classes))

    def _feed(self, matrix: Floats) -> dict[str, Any]:
        if len(self._inputs) == 1:
            name, dtype = self._inputs[0]
            return {name: matrix.astype(dtype)}
        return {
            name: matrix[:, i : i + 1].astype(dtype) for i, (name, dtype) in enumerate(self._inputs)
        }


def load_model(root: Path, described: ModelFile) -> OnnxModel:
    """The session; raises FormatRefused for operators that onnxruntime does not ship."""
    path = str(root / described.data_path)
    return OnnxModel(_session(path), lambda: onnx.load(path, load_external_data=False), described)


def from_bytes(raw: bytes, described: ModelFile) -> OnnxModel:
    """The same from a serialised graph that names no file."""
    return OnnxModel(_session(raw), lambda: onnx.load_model_from_string(raw), described)


def _session(model: str | bytes) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _dtype(kind: str) -> Any:
    if kind not in DTYPES:
        raise FormatRefused(f"An ONNX input of type {kind} is not supported.", format="onnx")
    return DTYPES[kind]


def _classes(model: Any) -> list[Label]:
    """Class labels as the graph's properties or its classifier node state them."""
    for stated in model.metadata_props:
        if stated.key == CLASSES_PROPERTY:
            return list(orjson.loads(stated.value))
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name in CLASS_ATTRIBUTES and attribute.ints:
                return [int(value) for value in attribute.ints]
            if attribute.name == TEXT_ATTRIBUTE and attribute.strings:
                return [value.decode() for value in attribute.strings]
    raise OutputContract("The ONNX model does not state its classes.", task="classification")
