"""Outcomes of two models on the same rows, and the units that resampling draws.

A unit is a cluster, or a row where rows come alone (a group of a ranking). It is the integers
`[weight, baseline components…, candidate components…]` summed over its rows, all in millionths.
Units are sorted, so that no order of rows is told and none matters; the decision, the evidence in
a bundle and whoever repeats the decision work on the same integers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.algorithms.metrics.base import (
    MAX_OUTCOME,
    SCALE,
    Floats,
    Form,
    Kind,
    Metric,
    OutcomeError,
    Outcomes,
)
from experiments.algorithms.metrics.catalogue import as_rows, find_metric
from experiments.algorithms.metrics.inputs import check_weights

MINIMUM_ROWS = 30
MINIMUM_CLUSTERS = 30
INT64_ROOM = 2**62


@dataclass(frozen=True, slots=True, eq=False)
class PairedOutcomes:
    """Components of both models on the same rows in the same order, (n, p) int64 in millionths.

    `metric` is a name that `find_metric` knows; `weights` (n,) float64 >= 0 and `clusters` (n,)
    integers are those of the rows. One component may come as (n,). Raises OutcomeError (a
    ValueError) for arrays that differ in length, are empty, are not integers, or are not 0 or
    1,000,000 for a proportion; for weights or clusters of another length.
    """

    metric: str
    baseline: Outcomes
    candidate: Outcomes
    weights: Floats | None = None
    clusters: npt.NDArray[np.intp] | None = None
    registered: Mapping[str, Metric] = field(default_factory=dict)

    def __post_init__(self) -> None:
        metric = self.found
        if self.baseline.shape != self.candidate.shape or self.baseline.ndim not in (1, 2):
            raise OutcomeError("Paired outcomes need two arrays of one length.")
        if not len(self.baseline):
            raise OutcomeError("There are no rows.")
        for side in ("baseline", "candidate"):
            object.__setattr__(self, side, as_rows(getattr(self, side)))
            _check_outcomes(getattr(self, side), metric)
        if self.weights is not None:
            check_weights(self.weights, len(self.baseline))
        if self.clusters is not None and len(self.clusters) != len(self.baseline):
            raise OutcomeError(f"{len(self.baseline)} rows, but {len(self.clusters)} clusters.")

    @property
    def found(self) -> Metric:
        """The metric itself. Raises OutcomeError for an unknown name."""
        return find_metric(self.metric, self.registered)

    @property
    def n(self) -> int:
        """Rows."""
        return len(self.baseline)

    @property
    def is_plain(self) -> bool:
        """Whether rows are single hits and misses, so that counts say everything."""
        alone = self.weights is None and self.clusters is None
        return alone and self.found.kind == Kind.PROPORTION

    def only(self, rows: npt.NDArray[Any]) -> "PairedOutcomes":
        """Return the outcomes of some rows, by mask or places."""
        return PairedOutcomes(
            metric=self.metric,
            baseline=self.baseline[rows],
            candidate=self.candidate[rows],
            weights=None if self.weights is None else self.weights[rows],
            clusters=None if self.clusters is None else self.clusters[rows],
            registered=self.registered,
        )


def weights_ppm(outcomes: PairedOutcomes) -> Outcomes:
    """Return (n,) integer weights in millionths; their mean is one, whatever was given."""
    if outcomes.weights is None:
        return np.full(outcomes.n, SCALE, dtype=np.int64)
    weights = np.asarray(outcomes.weights, dtype=np.float64)
    scaled: Outcomes = np.rint(weights / weights.mean() * SCALE).astype(np.int64)
    return scaled


def counted_rows(outcomes: PairedOutcomes) -> npt.NDArray[np.bool_]:
    """Return (n,) which rows are drawn: all, but of a ranked group only the first."""
    if outcomes.found.kind == Kind.RANKING and outcomes.found.form == Form.SUMS:
        return np.asarray(outcomes.baseline[:, -1] > 0)
    return np.ones(outcomes.n, dtype=np.bool_)


def cluster_codes(outcomes: PairedOutcomes) -> npt.NDArray[np.intp] | None:
    """Return (n,) cluster numbers from 0 without gaps, or None where rows come alone."""
    if outcomes.clusters is None:
        return None
    _, codes = np.unique(outcomes.clusters, return_inverse=True)
    return codes.astype(np.intp)


def units_of(outcomes: PairedOutcomes) -> Outcomes:
    """Return the sorted units, (N, 1 + 2 p) int64: weight, baseline's sums, candidate's sums.

    Within a unit the sum of weight x component is taken exactly, then divided by a million and
    rounded half up.
    """
    rows = counted_rows(outcomes)
    weights = weights_ppm(outcomes)[rows]
    parts = np.concatenate([outcomes.baseline[rows], outcomes.candidate[rows]], axis=1)
    codes = cluster_codes(outcomes)
    if codes is None and outcomes.weights is None:
        sums = parts
    else:
        products = _products(weights, parts)
        if codes is not None:
            _, codes = np.unique(codes[rows], return_inverse=True)
            weights, products = _by_cluster(weights, codes), _by_cluster(products, codes)
        sums = ((products + SCALE // 2) // SCALE).astype(np.int64)
    units: Outcomes = np.column_stack([weights.astype(np.int64), sums])
    ordered: Outcomes = units[np.lexsort(units.T[::-1])]
    return ordered


def _products(weights: Outcomes, parts: Outcomes) -> npt.NDArray[Any]:
    largest = int(weights.max()) * max(1, int(np.abs(parts).max()))
    if largest * len(weights) < INT64_ROOM:
        small: Outcomes = weights[:, np.newaxis] * parts
        return small
    # Python's integers never overflow.
    exact: npt.NDArray[Any] = weights.astype(object)[:, np.newaxis] * parts.astype(object)
    return exact


def _by_cluster(values: npt.NDArray[Any], codes: npt.NDArray[np.intp]) -> npt.NDArray[Any]:
    sums = np.zeros((int(codes.max()) + 1, *values.shape[1:]), dtype=values.dtype)
    np.add.at(sums, codes, values)
    return sums


def _check_outcomes(values: Outcomes, metric: Metric) -> None:
    if not np.issubdtype(values.dtype, np.integer):
        raise OutcomeError("Outcomes are integers in millionths, without missing values.")
    if not bool(np.all(np.abs(values) < MAX_OUTCOME)):
        raise OutcomeError("An outcome is too large.")
    if metric.kind == Kind.PROPORTION and not bool(np.isin(values, (0, SCALE)).all()):
        raise OutcomeError(f"An outcome of a proportion is 0 or {SCALE}.")
