"""Runs a scikit-learn estimator on numpy, at the least cost that gives the same answer."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from hokusai.runner.errors import OutputContract
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

# Their predict is the class of the largest probability, so predict_proba alone suffices.
ARGMAX_FAMILIES: Final = (
    "sklearn.linear_model._logistic.",
    "sklearn.tree._classes.",
    "sklearn.ensemble._forest.",
    "sklearn.ensemble._hist_gradient_boosting.",
)


class EstimatorModel:
    """A fitted estimator or pipeline as a `LoadedModel`."""

    def __init__(self, estimator: Any, described: ModelFile) -> None:
        self._estimator = estimator
        self.reader = InputReader(columns_of(estimator, described))
        self._frames = selects_by_name(estimator)
        if not self._frames:
            _forget_names(estimator)
        last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
        self._proba = _straight(estimator) or getattr(estimator, "predict_proba", None)
        self._argmax = _path(last).startswith(ARGMAX_FAMILIES)
        self.shape: Shape | None = None
        if hasattr(estimator, "classes_"):
            classes = np.asarray(estimator.classes_)
            if classes.ndim != 1:
                raise OutputContract("Only one output per row is supported.")
            self.shape = classifier_shape(classes.tolist(), probabilities=self._proba is not None)

    def run(self, matrix: Floats, names: tuple[str, ...]) -> tuple[Shape, Floats]:
        """See `LoadedModel.run`."""
        data = _frame(matrix, names) if self._frames else matrix
        if self.shape is None:
            return regression(np.asarray(self._estimator.predict(data)), len(matrix))
        classes = self.shape.classes
        if self._proba is None:
            return self.shape, self._labels(data, len(matrix)).reshape(-1, 1)
        probabilities = np.asarray(self._proba(data))
        if self._argmax and probabilities.ndim == 2:  # noqa: PLR2004
            first: npt.NDArray[Any] = probabilities.argmax(axis=1)
        else:
            first = self._labels(data, len(matrix))
        return self.shape, joined(first, probabilities, len(classes))

    def _labels(self, data: Any, n: int) -> Floats:
        labels = column(np.asarray(self._estimator.predict(data)), n)
        return positions(labels, self.shape.classes if self.shape else ())


def columns_of(estimator: Any, described: ModelFile) -> tuple[InputColumn, ...] | None:
    """The signature in the order of the fit; what was fitted wins over what was written."""
    fitted = getattr(estimator, "feature_names_in_", None)
    if fitted is None:
        return described.inputs
    stated = {c.name: c for c in described.inputs or ()}
    return tuple(stated.get(str(n), InputColumn(str(n), "double")) for n in fitted)


def _path(estimator: Any) -> str:
    return f"{type(estimator).__module__}.{type(estimator).__qualname__}"


def _parts(estimator: Any) -> list[Any]:
    """The estimator and every step inside it."""
    steps = [step for _, step in getattr(estimator, "steps", ())]
    return [estimator, *(part for step in steps for part in _parts(step))]


def _straight(estimator: Any) -> Callable[[Any], Any] | None:
    """predict_proba of a plain pipeline without the pipeline's own bookkeeping; None for others.

    Per row the bookkeeping costs more than the arithmetic; the operations stay the same.
    """
    if type(estimator) is not Pipeline or not hasattr(estimator, "predict_proba"):
        return None
    parts = [step for _, step in estimator.steps if step not in (None, "passthrough")]
    if not parts or not hasattr(parts[-1], "predict_proba"):
        return None
    steps = [_scaling(part) or part.transform for part in parts[:-1]]
    last = parts[-1].predict_proba

    def through(data: Any) -> Any:
        for step in steps:
            data = step(data)
        return last(data)

    return through


def _scaling(part: Any) -> Callable[[Any], Any] | None:
    """transform of a StandardScaler on numpy, as its own code computes it."""
    if type(part) is not StandardScaler or not (part.with_mean and part.with_std):
        return None
    mean, scale = part.mean_, part.scale_

    def transform(data: Any) -> Any:
        shifted = data - mean
        shifted /= scale
        return shifted

    return transform


def selects_by_name(estimator: Any) -> bool:
    """Whether any part of it takes columns by their names, which only a frame has."""
    kinds = [_path(part) for part in _parts(estimator)]
    return any(kind.startswith("sklearn.compose._column_transformer.") for kind in kinds)


def _forget_names(estimator: Any) -> None:
    """Names were checked by the reader; with them each call on numpy would warn, at a cost."""
    for part in _parts(estimator):
        part.__dict__.pop("feature_names_in_", None)


def _frame(matrix: Floats, names: tuple[str, ...]) -> Any:
    return pd.DataFrame(matrix, columns=list(names))
