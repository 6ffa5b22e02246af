"""The deciding metric on parts of the rows, with Holm's correction over all parts."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from experiments.algorithms.estimates import Estimate, estimate
from experiments.algorithms.holm import holm
from experiments.algorithms.metrics.base import OutcomeError
from experiments.algorithms.outcomes import PairedOutcomes

MAX_VALUES = 50


@dataclass(frozen=True, slots=True)
class SliceResult:
    """The gain where `column` is `value`; scores, delta and bounds in millionths.

    `p_value` is two-sided, of no difference; `p_holm` after the correction. What a slice is too
    small to say is None; of a column with many values the fifty most frequent are shown.
    """

    column: str
    value: str
    n: int
    baseline_score: int | None = None
    candidate_score: int | None = None
    delta_ppm: int | None = None
    low: int | None = None
    high: int | None = None
    p_value: float | None = None
    p_holm: float | None = None


def measure_slices(
    outcomes: PairedOutcomes, slices: Mapping[str, Sequence[str]], alpha: float, seed: int
) -> tuple[SliceResult, ...]:
    """Measure every value of every column; `slices` maps a column to (n,) values of the rows.

    Raises OutcomeError for a column of another length.
    """
    found = []
    for column, values in slices.items():
        if len(values) != outcomes.n:
            raise OutcomeError(f"{outcomes.n} rows, but {len(values)} values of {column!r}.")
        texts = np.array([str(value) for value in values], dtype=object)
        ranked = sorted(Counter(texts.tolist()).items(), key=lambda item: (-item[1], item[0]))
        for value, count in ranked[:MAX_VALUES]:
            bare = SliceResult(column, value, count)
            found.append(_measured(bare, outcomes.only(texts == value), alpha, seed))
    return _corrected(found)


def _measured(bare: SliceResult, outcomes: PairedOutcomes, alpha: float, seed: int) -> SliceResult:
    try:
        seen = estimate(outcomes, alpha, 0, seed)
    except OutcomeError:
        # One class only, or nothing to divide by: the slice has no score.
        return bare
    return replace(
        bare,
        baseline_score=seen.baseline_score,
        candidate_score=seen.candidate_score,
        delta_ppm=seen.delta_ppm,
        low=_bound(seen, seen.low),
        high=_bound(seen, seen.high),
        p_value=None if seen.shortage else seen.p_two_sided,
    )


def _bound(seen: Estimate, value: float) -> int | None:
    return None if seen.shortage or not math.isfinite(value) else math.floor(value)


def _corrected(found: list[SliceResult]) -> tuple[SliceResult, ...]:
    tested = [one.p_value for one in found if one.p_value is not None]
    adjusted = iter(holm(tested))
    return tuple(
        one if one.p_value is None else replace(one, p_holm=next(adjusted)) for one in found
    )
