"""The metrics that are there, by name, and the score of components."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.algorithms.metrics.base import (
    SCALE,
    Floats,
    Form,
    Metric,
    OutcomeError,
    Outcomes,
)
from experiments.algorithms.metrics.classification import (
    F1,
    Accuracy,
    BalancedAccuracy,
    BrierScore,
    LogLoss,
)
from experiments.algorithms.metrics.inputs import check_weights
from experiments.algorithms.metrics.ranking import Auroc, Ndcg, auroc_of
from experiments.algorithms.metrics.regression import (
    MeanAbsoluteError,
    PoissonDeviance,
    RootMeanSquaredError,
    RSquared,
)

SHIPPED: tuple[Metric, ...] = (
    Accuracy(),
    F1(),
    BalancedAccuracy(),
    Auroc(),
    LogLoss(),
    BrierScore(),
    MeanAbsoluteError(),
    RootMeanSquaredError(),
    RSquared(),
    PoissonDeviance(),
    Ndcg(5),
    Ndcg(10),
)
METRICS: dict[str, Metric] = {metric.name: metric for metric in SHIPPED}
NDCG = re.compile(r"ndcg@([1-9][0-9]{0,3})")
# Float64 is trusted to a millionth of a millionth.
FINE = 1_000_000


def find_metric(name: str, registered: Mapping[str, Metric] | None = None) -> Metric:
    """Return the metric of a name: shipped, `ndcg@k` of any k, or registered.

    Raises OutcomeError for a name that nothing answers to.
    """
    if name in METRICS:
        return METRICS[name]
    if found := NDCG.fullmatch(name):
        return Ndcg(int(found.group(1)))
    if registered and name in registered:
        return registered[name]
    raise OutcomeError(f"Unknown metric {name!r}.")


def score(metric: Metric, components: Outcomes, weights: Floats | None = None) -> float:
    """Return the score of (n, p) components in natural units. Raises OutcomeError if undefined."""
    values = as_rows(components)
    if not len(values):
        raise OutcomeError("There are no rows.")
    if weights is not None:
        check_weights(weights, len(values))
    if metric.form == Form.RANKS:
        found = auroc_of(values, weights)
    else:
        found = float(metric.value(np.average(values / SCALE, axis=0, weights=weights)))
    if not np.isfinite(found):
        raise OutcomeError(f"{metric.name} is not defined on these rows.")
    return found


def score_ppm(metric: Metric, components: Outcomes, weights: Floats | None = None) -> int:
    """Return the score in millionths, rounded down."""
    return floor_ppm(score(metric, components, weights))


def floor_ppm(value: float) -> int:
    """Return natural units as millionths, rounded down from the nearest millionth of one."""
    return round(value * SCALE * FINE) // FINE


def as_rows(components: npt.NDArray[Any]) -> Outcomes:
    """Return components as (n, p), also where one component came as (n,)."""
    return components[:, np.newaxis] if components.ndim == 1 else components
