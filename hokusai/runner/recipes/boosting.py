"""LightGBM, for those who install it; what it fits is exported as ONNX and served without it."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from hokusai.runner.outputs import Task
from hokusai.runner.recipes.base import FittedModel, Recipe, Table
from hokusai.runner.recipes.parameters import ROWS_WITH_GAPS, Parameter

FITTING: Final = "hokusai.runner.recipes.boosting_fitting"

PARAMETERS: Final = (
    Parameter("learning_rate", "number", 0.1, "Shrinkage of each tree.", above=0, maximum=1),
    Parameter("trees", "integer", 100, "Boosting rounds.", minimum=1, maximum=2000),
    Parameter("num_leaves", "integer", 31, "Leaves of a tree, at most.", minimum=2, maximum=1024),
    Parameter(
        "min_samples_leaf", "integer", 20, "Rows in a leaf, at least.", minimum=1, maximum=100_000
    ),
    Parameter(
        "l2_regularization", "number", 0.0, "Penalty on the leaves' values.", minimum=0, maximum=1e6
    ),
    Parameter(
        "row_fraction",
        "number",
        1.0,
        "Rows that each tree sees, drawn by the seed.",
        above=0,
        maximum=1,
    ),
    Parameter(
        "column_fraction",
        "number",
        1.0,
        "Columns that each tree sees, drawn by the seed.",
        above=0,
        maximum=1,
    ),
    ROWS_WITH_GAPS,
)


class LightGbm(Recipe):
    """LightGBM's gradient boosting on one thread, deterministic by its seed."""

    title: ClassVar[str] = "LightGBM"
    description: ClassVar[str] = (
        "LightGBM's gradient boosting; the model is exported as ONNX and served without LightGBM."
    )
    tasks: ClassVar[tuple[Task, ...]] = ("classification", "regression")
    modules: ClassVar[tuple[str, ...]] = (FITTING,)
    requires: ClassVar[str] = "lightgbm"
    extra: ClassVar[str] = (
        "install the extra `lightgbm` (pip install -r requirements/lightgbm.txt) and restart the "
        "runner."
    )

    def parameters(self, task: Task) -> tuple[Parameter, ...]:
        """See `Recipe.parameters`."""
        return PARAMETERS

    def fit(
        self, datasets: Sequence[Table], parameters: Mapping[str, Any], seed: int
    ) -> FittedModel:
        """See `Recipe.fit`."""
        fitted: FittedModel = importlib.import_module(FITTING).fit(datasets, parameters, seed)
        return fitted
