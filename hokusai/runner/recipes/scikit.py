"""The recipe that ships: scikit-learn's linear models and its gradient boosting."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from hokusai.runner.outputs import Task
from hokusai.runner.recipes.base import FittedModel, Recipe, Table
from hokusai.runner.recipes.parameters import ROWS_WITH_GAPS, Parameter

LOGISTIC: Final = "logistic_regression"
RIDGE: Final = "ridge"
HIST: Final = "hist_gradient_boosting"
FITTING: Final = "hokusai.runner.recipes.scikit_fitting"

OF_HIST: Final = (
    Parameter(
        "learning_rate",
        "number",
        0.1,
        "Shrinkage of each tree.",
        above=0,
        maximum=1,
        models=(HIST,),
    ),
    Parameter("trees", "integer", 100, "Boosting rounds.", minimum=1, maximum=2000, models=(HIST,)),
    Parameter(
        "max_leaf_nodes",
        "integer",
        31,
        "Leaves of a tree, at most.",
        minimum=2,
        maximum=1024,
        models=(HIST,),
    ),
    Parameter(
        "min_samples_leaf",
        "integer",
        20,
        "Rows in a leaf, at least.",
        minimum=1,
        maximum=100_000,
        models=(HIST,),
    ),
    Parameter(
        "l2_regularization",
        "number",
        0.0,
        "Penalty on the leaves' values.",
        minimum=0,
        maximum=1e6,
        models=(HIST,),
    ),
)
OF_LOGISTIC: Final = (
    Parameter(
        "C",
        "number",
        1.0,
        "Inverse strength of the penalty.",
        above=0,
        maximum=1e6,
        models=(LOGISTIC,),
    ),
    Parameter(
        "max_iter",
        "integer",
        2000,
        "Steps of the solver, at most.",
        minimum=1,
        maximum=100_000,
        models=(LOGISTIC,),
    ),
)
OF_RIDGE: Final = (
    Parameter(
        "alpha", "number", 1.0, "Strength of the penalty.", minimum=0, maximum=1e9, models=(RIDGE,)
    ),
)


class ScikitLearn(Recipe):
    """Standardised logistic regression or ridge, or histogram gradient boosting."""

    title: ClassVar[str] = "scikit-learn"
    description: ClassVar[str] = (
        "Standardised logistic regression for classes, standardised ridge for numbers; "
        "histogram gradient boosting for either."
    )
    tasks: ClassVar[tuple[Task, ...]] = ("classification", "regression")
    modules: ClassVar[tuple[str, ...]] = (FITTING,)

    def parameters(self, task: Task) -> tuple[Parameter, ...]:
        """See `Recipe.parameters`."""
        first, own = (LOGISTIC, OF_LOGISTIC) if task == "classification" else (RIDGE, OF_RIDGE)
        about = "Which estimator is fitted."
        model = Parameter("model", "choice", first, about, choices=(first, HIST))
        return (model, *own, *OF_HIST, ROWS_WITH_GAPS)

    def fit(
        self, datasets: Sequence[Table], parameters: Mapping[str, Any], seed: int
    ) -> FittedModel:
        """See `Recipe.fit`."""
        fitted: FittedModel = importlib.import_module(FITTING).fit(datasets, parameters, seed)
        return fitted
