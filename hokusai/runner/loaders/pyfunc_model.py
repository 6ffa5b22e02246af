"""Any other MLflow model: runs the model's own code or pickles, so only on the full floor."""

from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd

from hokusai.runner.errors import OutputContract
from hokusai.runner.inputs import InputReader
from hokusai.runner.loaders.base import (
    Floats,
    LoadedModel,
    Shape,
    classifier_shape,
    column,
    joined,
    positions,
    regression,
)
from hokusai.runner.loaders.estimator import EstimatorModel
from hokusai.runner.mlmodel import INTEGER_TYPES, ModelFile


class PyfuncModel:
    """A generic pyfunc as a `LoadedModel`.

    Understood: one value per row, or a table with `prediction` and `probability.<class>`.
    Whole numbers, texts and truth values are classes, other numbers a regression.
    """

    def __init__(self, model: Any, described: ModelFile) -> None:
        self._model = model
        self._described = described
        self.reader = InputReader(described.inputs)
        self.shape: Shape | None = None

    def run(self, matrix: Floats, names: tuple[str, ...]) -> tuple[Shape, Floats]:
        """See `LoadedModel.run`."""
        found = self._model.predict(self._data(matrix, names))
        n = len(matrix)
        if isinstance(found, pd.DataFrame) and "prediction" in found.columns:
            return _table(found, n)
        flat = column(np.asarray(found), n)
        if np.issubdtype(flat.dtype, np.floating):
            return regression(flat, n)
        classes = sorted(set(flat.tolist()))
        shape = classifier_shape(classes, probabilities=False)
        return shape, positions(flat, classes).reshape(n, 1)

    def _data(self, matrix: Floats, names: tuple[str, ...]) -> Any:
        if self._model.metadata.signature is not None and self._described.inputs is None:
            return matrix
        frame = pd.DataFrame(matrix, columns=list(names))
        types = {c.name: _dtype(c.type) for c in self._described.inputs or ()}
        return frame.astype(types)


def load_model(root: Path, described: ModelFile) -> LoadedModel:
    """The model; scikit-learn's are unwrapped, because its pyfunc gives labels only."""
    model = mlflow.pyfunc.load_model(str(root))
    estimator = getattr(model._model_impl, "sklearn_model", None)  # noqa: SLF001
    if hasattr(estimator, "predict"):
        return EstimatorModel(estimator, described)
    return PyfuncModel(model, described)


def _dtype(kind: str) -> str:
    if kind in INTEGER_TYPES:
        return "int32" if kind == "integer" else "int64"
    return {"float": "float32", "boolean": "bool"}.get(kind, "float64")


def _table(found: pd.DataFrame, n: int) -> tuple[Shape, Floats]:
    labels = column(found["prediction"].to_numpy(), n)
    names = [c for c in found.columns if str(c).startswith("probability.")]
    if not names:
        return regression(labels, n)
    texts = [str(name).removeprefix("probability.") for name in names]
    known = {str(label): label for label in labels.tolist()}
    classes = [known.get(text, _like(text, labels)) for text in texts]
    if not set(known) <= set(texts):
        raise OutputContract("A predicted class has no probability column.")
    shape = classifier_shape(classes, probabilities=True)
    return shape, joined(positions(labels, classes), found[names].to_numpy(float), len(classes))


def _like(text: str, labels: Any) -> Any:
    """A class that no row was given, in the type of those that were."""
    return int(text) if np.issubdtype(labels.dtype, np.integer) else text
