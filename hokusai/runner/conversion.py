"""The child's side of a conversion: a scikit-learn model as an ONNX graph in double precision.

Everything is computed in float64, so that what differs from the original are last bits. What
skl2onnx cannot bring to float64 (trees and forests, whose operators sum in float32) is refused.
"""

import socket
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime as ort
import orjson
import skl2onnx
import yaml
from onnx import TensorProto, helper
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import DoubleTensorType

from hokusai.runner import mlmodel, protocol
from hokusai.runner.errors import ConversionRefused, RunnerError, to_wire
from hokusai.runner.foreign import ForeignCode
from hokusai.runner.loaders import estimator as estimators
from hokusai.runner.loaders.onnx_model import CLASSES_PROPERTY, from_bytes
from hokusai.runner.loaders.skops_model import load_estimator
from hokusai.runner.mlmodel import InputColumn, ModelFile, ModelFormat
from hokusai.runner.outputs import Label
from hokusai.runner.sandbox.plan import Plan

ONNX_FILE: Final = "model.onnx"
# What every runtime of the last years reads.
OPSETS: Final = {"": 17, "ai.onnx.ml": 3}
# Their kernels sum in float32 whatever they are given.
SINGLE_PRECISION: Final = frozenset(
    {
        "LinearClassifier",
        "LinearRegressor",
        "Normalizer",
        "SVMClassifier",
        "SVMRegressor",
        "Scaler",
        "TreeEnsembleClassifier",
        "TreeEnsembleRegressor",
    }
)


def answer(data: socket.socket, plan: Plan, tree: str) -> None:
    """Convert the model in `tree` and send the files of the new one, or the error."""
    if protocol.receive(data) is None:
        return
    try:
        files = convert(Path(tree))
    except RunnerError as error:
        data.sendall(protocol.encode({"error": to_wire(error)}))
        return
    listed = [{"path": path, "size": len(raw)} for path, raw in files.items()]
    reply = {"files": listed, "tier": plan.tier, "format": ModelFormat.ONNX}
    protocol.send(data, reply, b"".join(files.values()))


def convert(root: Path) -> dict[str, bytes]:
    """The files of the ONNX model, by path.

    Raises ConversionRefused, and what loading raises.
    """
    described = mlmodel.read(root)
    if described.format is not ModelFormat.SKOPS:
        raise ConversionRefused("Only scikit-learn models that skops keeps are converted.")
    with ForeignCode("load"):
        fitted = load_estimator(root, described)
    columns = estimators.columns_of(fitted, described)
    if columns is None:
        raise ConversionRefused("The model names no columns.")
    if estimators.selects_by_name(fitted):
        raise ConversionRefused("The model takes its columns by name.")
    raw = _graph(fitted, len(columns))
    files = {"MLmodel": _mlmodel(root, columns), ONNX_FILE: raw}
    with ForeignCode("load"):
        # What the runtime or our own loader would refuse must not be kept.
        from_bytes(raw, ModelFile(ModelFormat.ONNX, ONNX_FILE, columns))
    return files


def versions() -> dict[str, str]:
    """What converted: package by version."""
    return {"skl2onnx": skl2onnx.__version__, "onnxruntime": ort.__version__}


def _graph(fitted: Any, width: int) -> bytes:
    options = {id(fitted): {"zipmap": False}} if hasattr(fitted, "classes_") else None
    try:
        graph = convert_sklearn(
            fitted,
            name="converted",
            initial_types=[("rows", DoubleTensorType([None, width]))],
            options=options,
            target_opset=OPSETS,
        )
    # Converters of single estimators raise whatever they meet.
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        message = f"skl2onnx has no graph for this model ({type(error).__name__})."
        raise ConversionRefused(message, exception=type(error).__name__) from error
    found = sorted({node.op_type for node in graph.graph.node} & SINGLE_PRECISION)
    if found or not _in_doubles(graph):
        name = found[0] if found else "the output"
        raise ConversionRefused(f"The graph would compute in single precision: {name}.")
    if options:
        classes = _classes(fitted)
        helper.set_model_props(graph, {CLASSES_PROPERTY: orjson.dumps(classes).decode()})
    raw: bytes = graph.SerializeToString(deterministic=True)
    return raw


def _classes(fitted: Any) -> list[Label]:
    classes: list[Label] = np.asarray(fitted.classes_).tolist()
    if not all(type(label) in (int, str) for label in classes):
        raise ConversionRefused("Only classes that are whole numbers or texts are converted.")
    return classes


def _in_doubles(graph: onnx.ModelProto) -> bool:
    return all(
        output.type.tensor_type.elem_type != TensorProto.FLOAT for output in graph.graph.output
    )


def _mlmodel(root: Path, columns: tuple[InputColumn, ...]) -> bytes:
    """The flavor of the graph, and the signature of the original in the order of its fit."""
    original = yaml.safe_load((root / "MLmodel").read_text("utf-8"))
    inputs = [{"type": one.type, "name": one.name, "required": True} for one in columns]
    outputs = (original.get("signature") or {}).get("outputs")
    document = {
        "flavors": {
            "onnx": {"code": None, "data": ONNX_FILE, "onnx_version": onnx.__version__},
            "python_function": {"data": ONNX_FILE, "loader_module": "mlflow.onnx"},
        },
        "metadata": versions(),
        "signature": {"inputs": orjson.dumps(inputs).decode(), "outputs": outputs, "params": None},
    }
    text: str = yaml.safe_dump(document, sort_keys=False)
    return text.encode()
