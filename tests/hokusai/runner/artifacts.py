"""Models as MLflow writes them, small and made on the spot: `{path: bytes}`."""

import json
import tempfile
import textwrap
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import skops.io
from skl2onnx import to_onnx
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

COLUMNS = ("a", "b", "c", "d")
CLASSES = ("no", "yes")
ROW = {"a": 1.5, "b": -0.25, "c": 3.0, "d": 0.0}


@cache
def table() -> tuple[pd.DataFrame, Any]:
    """200 rows whose label depends on `a` and `b`."""
    frame = pd.DataFrame(np.random.default_rng(7).normal(size=(200, 4)), columns=list(COLUMNS))
    return frame, np.where(frame.a + frame.b > 0, "yes", "no")


@cache
def classifier() -> Any:
    """A fitted pipeline that knows its columns by name."""
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(*table())


def mlmodel(flavors: str, columns: tuple[str, ...] | None = COLUMNS, kind: str = "double") -> bytes:
    """An MLmodel file with the given flavors, in MLflow's layout."""
    text = "flavors:\n" + textwrap.indent(textwrap.dedent(flavors).strip(), "  ") + "\n"
    if columns is not None:
        inputs = [{"type": kind, "name": name, "required": True} for name in columns]
        text += f"signature:\n  inputs: '{json.dumps(inputs)}'\n"
    return text.encode()


SKOPS_FLAVORS = """
    python_function:
      loader_module: mlflow.sklearn
      model_path: model.skops
    sklearn:
      code: null
      pickled_model: model.skops
      serialization_format: skops
"""
ONNX_FLAVORS = """
    onnx:
      code: null
      data: model.onnx
      onnx_version: 1.0
    python_function:
      data: model.onnx
      loader_module: mlflow.onnx
"""
CODE_FLAVORS = """
    python_function:
      code: code
      loader_module: the_model
"""


def skops_classifier() -> dict[str, bytes]:
    """The pipeline as MLflow's default for scikit-learn."""
    return skops_model(classifier())


def skops_model(estimator: Any) -> dict[str, bytes]:
    """Any estimator as MLflow's default for scikit-learn."""
    return {"MLmodel": mlmodel(SKOPS_FLAVORS), "model.skops": skops.io.dumps(estimator)}


def skops_regressor() -> dict[str, bytes]:
    """A regression of 2a + b + 1."""
    frame, _ = table()
    return skops_model(LinearRegression().fit(frame, 2 * frame.a + frame.b + 1))


def onnx_classifier(*, zipmap: bool) -> dict[str, bytes]:
    """The same pipeline, converted; probabilities as a tensor or as dicts."""
    fitted = make_pipeline(StandardScaler(), LogisticRegression())
    frame, labels = table()
    fitted.fit(frame.to_numpy(), labels)
    model = to_onnx(fitted, frame.to_numpy(np.float32)[:1], options={"zipmap": zipmap})
    return {"MLmodel": mlmodel(ONNX_FLAVORS), "model.onnx": model.SerializeToString()}


def onnx_that_allocates(elements: int) -> dict[str, bytes]:
    """A graph of a few bytes that asks for `elements` float32 at predict, and sums them."""
    tensor, nodes = onnx.helper.make_tensor_value_info, onnx.helper.make_node
    graph = onnx.helper.make_graph(
        [
            nodes("ConstantOfShape", ["shape"], ["many"]),
            nodes("ReduceSum", ["many"], ["sum"], keepdims=0),
            nodes("ReduceSum", ["X", "axis"], ["row"], keepdims=1),
            nodes("Add", ["row", "sum"], ["prediction"]),
        ],
        "allocates",
        [tensor("X", onnx.TensorProto.FLOAT, [None, 4])],
        [tensor("prediction", onnx.TensorProto.FLOAT, [None, 1])],
        [
            onnx.helper.make_tensor("shape", onnx.TensorProto.INT64, [1], [elements]),
            onnx.helper.make_tensor("axis", onnx.TensorProto.INT64, [1], [1]),
        ],
    )
    opset = [onnx.helper.make_opsetid("", 13)]
    model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=9)
    return {"MLmodel": mlmodel(ONNX_FLAVORS), "model.onnx": model.SerializeToString()}


def code_model(source: str, columns: tuple[str, ...] = COLUMNS) -> dict[str, bytes]:
    """A pyfunc whose `predict(frame)` is in `source`; what stands outside it runs on loading."""
    loader = "class Model:\n    def predict(self, frame):\n        return predict(frame)\n"
    loader += "def _load_pyfunc(path):\n    return Model()\n"
    code = textwrap.dedent(source) + "\n" + loader
    return {"MLmodel": mlmodel(CODE_FLAVORS, columns), "code/the_model.py": code.encode()}


def saved_by_mlflow(save: Any, **options: Any) -> dict[str, bytes]:
    """What an MLflow `save_model` writes."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "model")
        save(path=str(target), pip_requirements=[], **options)
        return {
            str(path.relative_to(target)): path.read_bytes()
            for path in target.rglob("*")
            if path.is_file()
        }
