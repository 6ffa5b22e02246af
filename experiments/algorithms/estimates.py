"""What paired outcomes say about one metric: scores, gain, bounds and p value.

Differences are positive when the candidate is better, whatever the metric's direction.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from experiments.algorithms.bootstrap import resample_mean
from experiments.algorithms.metrics import (
    MAX_OUTCOME,
    METRICS,
    SCALE,
    Kind,
    Metric,
    OutcomeError,
    score,
    total,
)
from experiments.algorithms.paired import (
    Discordant,
    count_discordant,
    midp_greater,
    tango_lower,
    tango_p_greater,
    tango_upper,
)

MINIMUM_ROWS = 30


@dataclass(frozen=True, slots=True)
class PairedOutcomes:
    """Outcomes of both models on the same rows in the same order, (n,) int64 in millionths.

    `metric` is a name in METRICS. Raises OutcomeError (a ValueError) when made of arrays that
    differ in length, are empty, are not integers, or are not 0 or 1,000,000 for a proportion.
    """

    metric: str
    baseline: npt.NDArray[np.int64]
    candidate: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise OutcomeError(f"Unknown metric {self.metric!r}.")
        if self.baseline.shape != self.candidate.shape or self.baseline.ndim != 1:
            raise OutcomeError("Paired outcomes need two arrays of one length.")
        if not len(self.baseline):
            raise OutcomeError("There are no rows.")
        for values in (self.baseline, self.candidate):
            _check_outcomes(values, METRICS[self.metric].kind)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the outcomes say about one metric.

    `gain_sum` is the exact sum of the rows' gains in millionths; `low` and `high` are one-sided
    bounds of the mean gain in millionths. `baseline_score`, `candidate_score` and `delta_ppm` are
    rounded to the worse side. `discordant` counts rows won and lost as the metric states them.
    """

    baseline_score: int
    candidate_score: int
    delta_ppm: int
    gain_sum: int
    n: int
    low: float
    high: float
    p_value: float
    discordant: Discordant | None
    interval_method: str
    test_method: str


def estimate(outcomes: PairedOutcomes, alpha: float, margin: int, seed: int) -> Estimate:
    """Estimate the gain on one metric with one-sided bounds at 1 - alpha on both sides."""
    metric = METRICS[outcomes.metric]
    higher = metric.sign > 0
    baseline = score(outcomes.baseline, round_up=higher)
    candidate = score(outcomes.candidate, round_up=not higher)
    gain_sum = metric.sign * (total(outcomes.candidate) - total(outcomes.baseline))
    measure = _proportion if metric.kind == Kind.PROPORTION else _continuous
    low, high, p_value, discordant, interval_method, test_method = measure(
        outcomes, metric, alpha, margin, seed
    )
    return Estimate(
        baseline_score=baseline,
        candidate_score=candidate,
        delta_ppm=metric.sign * (candidate - baseline),
        gain_sum=gain_sum,
        n=len(outcomes.baseline),
        low=low,
        high=high,
        p_value=p_value,
        discordant=discordant,
        interval_method=interval_method,
        test_method=test_method,
    )


_Measured = tuple[float, float, float, Discordant | None, str, str]


def _proportion(
    outcomes: PairedOutcomes, metric: Metric, alpha: float, margin: int, seed: int
) -> _Measured:
    counts = count_discordant(outcomes.baseline, outcomes.candidate)
    # A gain is a row won where higher is better, and a row lost where lower is.
    gains = counts if metric.sign > 0 else Discordant(counts.c, counts.b, counts.n)
    low, high = tango_lower(gains, alpha) * SCALE, tango_upper(gains, alpha) * SCALE
    if margin == 0:
        return low, high, midp_greater(gains), counts, "tango-score", "mcnemar-midp"
    return low, high, tango_p_greater(gains, margin / SCALE), counts, "tango-score", "tango-score"


def _continuous(
    outcomes: PairedOutcomes, metric: Metric, alpha: float, margin: int, seed: int
) -> _Measured:
    if len(outcomes.baseline) < MINIMUM_ROWS:
        return -math.inf, math.inf, 1.0, None, "none", "none"
    gains = metric.sign * (outcomes.candidate.astype(np.int64) - outcomes.baseline.astype(np.int64))
    sample = resample_mean(gains, seed=seed)
    p_value = sample.p_greater(margin)
    return sample.lower(alpha), sample.upper(alpha), p_value, None, sample.method, sample.method


def _check_outcomes(values: npt.NDArray[np.int64], kind: Kind) -> None:
    if not np.issubdtype(values.dtype, np.integer):
        raise OutcomeError("Outcomes are integers in millionths, without missing values.")
    if not bool(np.all(np.abs(values) < MAX_OUTCOME)):
        raise OutcomeError("An outcome is too large.")
    if kind == Kind.PROPORTION and not bool(np.isin(values, (0, SCALE)).all()):
        raise OutcomeError(f"An outcome of a proportion is 0 or {SCALE}.")
