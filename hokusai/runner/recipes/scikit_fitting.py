"""Fitting scikit-learn's estimators; imported by the warmed parent, run in a child."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import sklearn
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hokusai.runner.loaders.base import Shape
from hokusai.runner.loaders.estimator import EstimatorModel
from hokusai.runner.mlmodel import InputColumn, ModelFile, ModelFormat
from hokusai.runner.recipes import files, steady_skops
from hokusai.runner.recipes.base import Table

Floats = npt.NDArray[np.float64]
PACKAGES: Final = ("scikit-learn", "skops")


class FittedEstimator:
    """A fitted estimator as a `FittedModel`; it answers by the very code that serves it."""

    def __init__(self, estimator: Any, table: Table) -> None:
        self._estimator = estimator
        self._table = table
        inputs = tuple(InputColumn(name, "double") for name in table.columns)
        self._served = EstimatorModel(
            estimator, ModelFile(ModelFormat.SKOPS, files.SKOPS_FILE, inputs)
        )

    def predict(self, matrix: Floats) -> tuple[Shape, Floats]:
        """See `FittedModel.predict`."""
        return self._served.run(matrix, self._table.columns)

    def export(self) -> dict[str, bytes]:
        """See `FittedModel.export`."""
        return {
            files.SKOPS_FILE: steady_skops.dumps(self._estimator),
            **files.described("sklearn", self._table, PACKAGES),
        }


def fit(datasets: Sequence[Table], parameters: Mapping[str, Any], seed: int) -> FittedEstimator:
    """Fit the estimator that `parameters` name; see `Recipe.fit`."""
    # Both were checked already; a thousand coalitions need not check them again.
    sklearn.set_config(assume_finite=True, skip_parameter_validation=True)
    table = datasets[0] if len(datasets) == 1 else _joined(datasets)
    estimator = _estimator(table.task, parameters, seed)
    return FittedEstimator(estimator.fit(table.matrix, table.labels), table)


def _joined(datasets: Sequence[Table]) -> Table:
    first = datasets[0]
    matrix = np.concatenate([table.matrix for table in datasets])
    labels = np.concatenate([table.labels for table in datasets])
    return Table(first.task, first.columns, matrix, labels)


def _estimator(task: str, parameters: Mapping[str, Any], seed: int) -> Any:
    if parameters["model"] == "logistic_regression":
        solver = LogisticRegression(
            C=parameters["C"], max_iter=parameters["max_iter"], random_state=seed
        )
        return make_pipeline(StandardScaler(), solver)
    if parameters["model"] == "ridge":
        return make_pipeline(StandardScaler(), Ridge(alpha=parameters["alpha"], random_state=seed))
    kind = (
        HistGradientBoostingClassifier
        if task == "classification"
        else HistGradientBoostingRegressor
    )
    return kind(
        learning_rate=parameters["learning_rate"],
        max_iter=parameters["trees"],
        max_leaf_nodes=parameters["max_leaf_nodes"],
        min_samples_leaf=parameters["min_samples_leaf"],
        l2_regularization=parameters["l2_regularization"],
        # Stopping early on a part of the rows would let a few more rows change how long it learns.
        early_stopping=False,
        random_state=seed,
    )
