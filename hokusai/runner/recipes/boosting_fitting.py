"""Fitting LightGBM on one thread; imported by the warmed parent, run in a child."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import lightgbm
import numpy as np
import numpy.typing as npt

from hokusai.runner.errors import TrainingDataUnusable
from hokusai.runner.loaders.base import Shape
from hokusai.runner.loaders.onnx_model import from_bytes
from hokusai.runner.mlmodel import InputColumn, ModelFile, ModelFormat
from hokusai.runner.recipes import files, tree_onnx
from hokusai.runner.recipes.base import Table

Floats = npt.NDArray[np.float64]
PACKAGES: Final = ("onnx", "onnxruntime")
BINARY: Final = 2


class FittedTrees:
    """Boosted trees as a `FittedModel`; they answer through the ONNX graph that is exported."""

    def __init__(self, graph: bytes, table: Table) -> None:
        self._graph = graph
        self._table = table
        inputs = tuple(InputColumn(name, "double") for name in table.columns)
        described = ModelFile(ModelFormat.ONNX, files.ONNX_FILE, inputs)
        self._served = from_bytes(graph, described)

    def predict(self, matrix: Floats) -> tuple[Shape, Floats]:
        """See `FittedModel.predict`."""
        return self._served.run(matrix, self._table.columns)

    def export(self) -> dict[str, bytes]:
        """See `FittedModel.export`."""
        return {files.ONNX_FILE: self._graph, **files.described("onnx", self._table, PACKAGES)}


def fit(datasets: Sequence[Table], parameters: Mapping[str, Any], seed: int) -> FittedTrees:
    """Boost trees on all rows; see `Recipe.fit`."""
    first = datasets[0]
    matrix = np.concatenate([table.matrix for table in datasets])
    labels = np.concatenate([table.labels for table in datasets])
    classes, targets = _targets(first, labels)
    data = lightgbm.Dataset(matrix, label=targets, params={"verbosity": -1})
    stated = _stated(parameters, len(classes), seed)
    booster = lightgbm.train(stated, data, num_boost_round=int(parameters["trees"]))
    graph = tree_onnx.convert(booster.dump_model(), matrix.shape[1], classes)
    return FittedTrees(graph, first)


def _targets(table: Table, labels: npt.NDArray[Any]) -> tuple[list[Any], npt.NDArray[Any]]:
    if table.task == "regression":
        return [], labels
    if labels.dtype.kind == "f":
        if not bool(np.all(labels == np.rint(labels))):
            raise TrainingDataUnusable("LightGBM's classes are texts or whole numbers.")
        labels = labels.astype(np.int64)
    classes, positions = np.unique(labels, return_inverse=True)
    return classes.tolist(), positions


def _stated(parameters: Mapping[str, Any], classes: int, seed: int) -> dict[str, Any]:
    objective: dict[str, Any] = {"objective": "regression"}
    if classes == BINARY:
        objective = {"objective": "binary"}
    elif classes:
        objective = {"objective": "multiclass", "num_class": classes}
    return objective | {
        "learning_rate": parameters["learning_rate"],
        "num_leaves": parameters["num_leaves"],
        "min_data_in_leaf": parameters["min_samples_leaf"],
        "lambda_l2": parameters["l2_regularization"],
        "bagging_fraction": parameters["row_fraction"],
        "bagging_freq": 1 if parameters["row_fraction"] < 1 else 0,
        "feature_fraction": parameters["column_fraction"],
        # Every row is finite; a missing value is refused before it comes here.
        "use_missing": False,
        "seed": seed % 2**31,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
