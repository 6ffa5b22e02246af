"""What paired outcomes say about one metric: scores, gain, bounds and p value.

Differences are positive when the candidate is better, whatever the metric's direction. Hits and
misses of single rows are counted: Tango's score, and McNemar's mid-p at margin 0. Everything else
is resampled by units, or, for AUROC, follows DeLong. Weights or clusters rule counting out.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from experiments.algorithms.bootstrap import resample_units
from experiments.algorithms.delong import area_difference
from experiments.algorithms.differences import sample_of
from experiments.algorithms.metrics.base import SCALE, Form, Metric, OutcomeError, Outcomes
from experiments.algorithms.metrics.catalogue import floor_ppm, score
from experiments.algorithms.outcomes import (
    MINIMUM_CLUSTERS,
    MINIMUM_ROWS,
    PairedOutcomes,
    units_of,
    weights_ppm,
)
from experiments.algorithms.paired import (
    Discordant,
    count_discordant,
    midp_greater,
    tango_lower,
    tango_p_greater,
    tango_upper,
)

__all__ = ["MINIMUM_CLUSTERS", "MINIMUM_ROWS", "Estimate", "PairedOutcomes", "estimate"]

# The gain of a score that is no mean, in millionths of a millionth.
FINE = 1_000_000


class Shortage(StrEnum):
    """Why outcomes cannot show anything, however large the gain."""

    ROWS = "rows"
    CLUSTERS = "clusters"


class Inference(Protocol):
    """A method whose bounds and p values are one test and its inversion, in natural units."""

    @property
    def method(self) -> str: ...

    def lower(self, alpha: float) -> float: ...

    def upper(self, alpha: float) -> float: ...

    def p_greater(self, margin: float) -> float: ...

    def p_less(self, margin: float) -> float: ...


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the outcomes say about one metric.

    `gain_sum / weight_sum` is the gain in millionths: exact where a score is a mean, to a millionth
    of a millionth elsewhere. `low` and `high` are one-sided bounds of the gain in millionths.
    `baseline_score`, `candidate_score` and `delta_ppm` are rounded to the worse side. `p_two_sided`
    is that of no difference. `discordant` counts rows won and lost as the metric states them.
    `units` are what was drawn: clusters, groups or rows. `shortage`: rows or clusters too few.
    """

    baseline_score: int
    candidate_score: int
    delta_ppm: int
    gain_sum: int
    weight_sum: int
    n: int
    units: int
    clusters: int | None
    weighted: bool
    low: float
    high: float
    p_value: float
    p_two_sided: float
    discordant: Discordant | None
    interval_method: str
    test_method: str
    shortage: Shortage | None = None

    def reaches(self, minimum: int) -> bool:
        """Whether the observed gain is at least `minimum` millionths, without rounding."""
        return self.gain_sum >= minimum * self.weight_sum


def estimate(outcomes: PairedOutcomes, alpha: float, margin: int, seed: int) -> Estimate:
    """Estimate the gain on one metric with one-sided bounds at 1 - alpha on both sides.

    `margin` in millionths is that of the p value. Raises OutcomeError where the metric has no value
    on these rows.
    """
    metric, units = outcomes.found, units_of(outcomes)
    clusters = len(units) if outcomes.clusters is not None else None
    baseline, candidate, gain_sum, weight_sum = _scores(outcomes, metric, units)
    shortage = _shortage(metric, len(units), clusters)
    found = _infer(outcomes, units, _Question(alpha, margin, seed), shortage)
    return Estimate(
        baseline_score=baseline,
        candidate_score=candidate,
        delta_ppm=metric.sign * (candidate - baseline),
        gain_sum=gain_sum,
        weight_sum=weight_sum,
        n=outcomes.n,
        units=len(units),
        clusters=clusters,
        weighted=outcomes.weights is not None,
        low=found.low,
        high=found.high,
        p_value=found.p_value,
        p_two_sided=found.p_two_sided,
        discordant=found.discordant,
        interval_method=found.interval_method,
        test_method=found.test_method,
        shortage=shortage,
    )


@dataclass(frozen=True, slots=True)
class _Question:
    alpha: float
    margin: int
    seed: int


@dataclass(frozen=True, slots=True)
class _Inferred:
    low: float
    high: float
    p_value: float
    p_two_sided: float
    discordant: Discordant | None
    interval_method: str
    test_method: str


NOTHING = _Inferred(-math.inf, math.inf, 1.0, 1.0, None, "none", "none")


def inference_of(outcomes: PairedOutcomes, units: Outcomes, seed: int) -> Inference:
    """Return the method for outcomes that counts do not settle. Raises OutcomeError."""
    metric = outcomes.found
    if metric.form == Form.RANKS:
        weights = None if outcomes.weights is None else weights_ppm(outcomes).astype(float)
        return area_difference(outcomes.baseline, outcomes.candidate, weights, outcomes.clusters)
    return resample_units(sample_of(metric, units), seed=seed)


def _infer(
    outcomes: PairedOutcomes,
    units: Outcomes,
    asked: "_Question",
    shortage: Shortage | None,
) -> _Inferred:
    if outcomes.is_plain:
        return _count(outcomes, asked.alpha, asked.margin)
    if shortage is not None:
        return NOTHING
    found = inference_of(outcomes, units, asked.seed)
    two_sided = min(1.0, 2 * min(found.p_greater(0.0), found.p_less(0.0)))
    return _Inferred(
        low=_ppm(found.lower(asked.alpha)),
        high=_ppm(found.upper(asked.alpha)),
        p_value=found.p_greater(asked.margin / SCALE),
        p_two_sided=two_sided,
        discordant=None,
        interval_method=found.method,
        test_method=found.method,
    )


def _count(outcomes: PairedOutcomes, alpha: float, margin: int) -> _Inferred:
    counts = count_discordant(outcomes.baseline[:, 0], outcomes.candidate[:, 0])
    # A gain is a row won where higher is better, and a row lost where lower is.
    gains = counts if outcomes.found.sign > 0 else Discordant(counts.c, counts.b, counts.n)
    losses = Discordant(gains.c, gains.b, gains.n)
    by_midp = margin == 0
    return _Inferred(
        low=tango_lower(gains, alpha) * SCALE,
        high=tango_upper(gains, alpha) * SCALE,
        p_value=midp_greater(gains) if by_midp else tango_p_greater(gains, margin / SCALE),
        p_two_sided=min(1.0, 2 * min(midp_greater(gains), midp_greater(losses))),
        discordant=counts,
        interval_method="tango-score",
        test_method="mcnemar-midp" if by_midp else "tango-score",
    )


def _shortage(metric: Metric, units: int, clusters: int | None) -> Shortage | None:
    if clusters is not None and clusters < MINIMUM_CLUSTERS:
        return Shortage.CLUSTERS
    return Shortage.ROWS if units < max(MINIMUM_ROWS, metric.minimum()) else None


def _scores(outcomes: PairedOutcomes, metric: Metric, units: Outcomes) -> tuple[int, int, int, int]:
    """Return both scores, rounded to the worse side, the gain's sum and the weights' sum."""
    higher = metric.sign > 0
    if metric.form != Form.MEAN:
        weights = None if outcomes.weights is None else weights_ppm(outcomes).astype(float)
        before = score(metric, outcomes.baseline, weights)
        after = score(metric, outcomes.candidate, weights)
        if not math.isfinite(before - after):
            raise OutcomeError(f"{metric.name} is not defined on these rows.")
        gain = round(metric.sign * (after - before) * SCALE * FINE)
        return _to_side(before, higher), _to_side(after, not higher), gain, FINE
    weight, was, now = (sum(column.tolist()) for column in units.T)
    before_ppm = _divided(was * SCALE, weight, up=higher)
    after_ppm = _divided(now * SCALE, weight, up=not higher)
    return before_ppm, after_ppm, metric.sign * (now - was) * SCALE, weight


def _ppm(value: float) -> float:
    # A bound that is a whole number of millionths stays one.
    return round(value * SCALE, 6) if math.isfinite(value) else value


def _divided(numerator: int, denominator: int, *, up: bool) -> int:
    return -(-numerator // denominator) if up else numerator // denominator


def _to_side(value: float, up: bool) -> int:
    return -floor_ppm(-value) if up else floor_ppm(value)
