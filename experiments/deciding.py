"""A decision from rows and outcomes: the worker makes it, whoever doubts it repeats it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.algorithms.decision import Decision, confirm, decide
from experiments.algorithms.estimates import PairedOutcomes, estimate
from experiments.algorithms.evidence import evidence_of
from experiments.algorithms.looks import other_looks
from experiments.algorithms.metrics import OutcomeError
from experiments.algorithms.spending import alpha_for_attempt
from experiments.benchmark_rows import BenchmarkRows
from experiments.choices import EvaluationRole, Split
from experiments.exceptions import Undecidable
from experiments.models import Benchmark
from experiments.policy import policy_of
from experiments.registered_metrics import registered

Outcomes = Mapping[str, npt.NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision, and per metric the integers that anybody can repeat it from.

    `credit`: what the added data and what the engineering did, in millionths; None without a
    control.
    """

    decision: Decision
    evidence: dict[str, dict[str, Any]]
    credit: dict[str, Any] | None


def verdict(
    *,
    benchmark: Benchmark,
    split: Split,
    number: int,
    rows: BenchmarkRows,
    outcomes: Mapping[str, Outcomes],
) -> Verdict:
    """Decide the attempt `number` on the rows of one side. `outcomes`: role -> metric -> (n, p).

    On the screening rows everything that the benchmark demands, on those kept to confirm that the
    gain exceeds the margin. Raises Undecidable where a metric has no value on these rows.
    """
    before, after = outcomes[EvaluationRole.BASELINE], outcomes[EvaluationRole.CANDIDATE]
    policy, seed = policy_of(benchmark), benchmark.seed
    try:
        paired = {name: _paired(rows, name, before[name], after[name]) for name in before}
        if split == Split.CONFIRMATION:
            paired = {benchmark.metric: paired[benchmark.metric]}
            decision = confirm(policy, number, paired, seed)
        else:
            decision = decide(policy, number, paired, seed, rows.slices)
        evidence = {name: evidence_of(found, seed) for name, found in paired.items()}
        credit = _credit(benchmark, number, rows, outcomes)
    except OutcomeError as error:
        raise Undecidable(str(error)) from error
    return Verdict(decision, evidence, credit)


def looks_at(
    *, benchmark: Benchmark, number: int, rows: BenchmarkRows, outcomes: Mapping[str, Outcomes]
) -> list[dict[str, Any]]:
    """The gain on the deciding metric by other methods, in millionths; they decide nothing."""
    metric = benchmark.metric
    paired = _paired(
        rows,
        metric,
        outcomes[EvaluationRole.BASELINE][metric],
        outcomes[EvaluationRole.CANDIDATE][metric],
    )
    alpha = alpha_for_attempt(benchmark.alpha, number)
    return [
        {
            "method": look.method,
            "low_ppm": _whole(look.low),
            "high_ppm": _whole(look.high),
            "p_value": look.p_value,
        }
        for look in other_looks(paired, alpha, benchmark.margin_ppm, benchmark.seed)
    ]


def _paired(
    rows: BenchmarkRows,
    metric: str,
    baseline: npt.NDArray[np.int64],
    candidate: npt.NDArray[np.int64],
) -> PairedOutcomes:
    return PairedOutcomes(
        metric=metric,
        baseline=baseline,
        candidate=candidate,
        weights=rows.weights,
        clusters=rows.clusters,
        registered=registered(),
    )


def _credit(
    benchmark: Benchmark, number: int, rows: BenchmarkRows, outcomes: Mapping[str, Outcomes]
) -> dict[str, Any] | None:
    """The data's effect is candidate minus control; the rest is engineering."""
    if EvaluationRole.CONTROL not in outcomes:
        return None
    metric = benchmark.metric
    was, control, now = (
        outcomes[role][metric]
        for role in (EvaluationRole.BASELINE, EvaluationRole.CONTROL, EvaluationRole.CANDIDATE)
    )
    alpha = alpha_for_attempt(benchmark.alpha, number)
    data = _effect(_paired(rows, metric, control, now), alpha, benchmark.seed)
    engineering = _effect(_paired(rows, metric, was, control), alpha, benchmark.seed)
    return {
        "data_effect_ppm": data["delta_ppm"],
        "engineering_effect_ppm": engineering["delta_ppm"],
        "data": data,
        "engineering": engineering,
    }


def _effect(paired: PairedOutcomes, alpha: float, seed: int) -> dict[str, Any]:
    found = estimate(paired, alpha, 0, seed)
    return {
        "delta_ppm": found.delta_ppm,
        "low_ppm": _whole(found.low),
        "high_ppm": _whole(found.high),
        "p_value": found.p_value,
    }


def _whole(bound: float) -> int | None:
    return math.floor(bound) if math.isfinite(bound) else None
