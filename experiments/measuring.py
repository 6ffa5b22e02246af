"""One version on a benchmark's rows: asked in a fresh child, on shuffled rows, and twice."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from experiments.algorithms.metrics import Task
from experiments.benchmark_rows import BenchmarkRows
from experiments.choices import EvaluationRole, Split
from experiments.isolation import ask, tier_in_force
from experiments.models import Benchmark, Comparison, Evaluation, Training
from experiments.outcomes import Kept
from experiments.policy import metrics_of
from experiments.scoring import OutputsUnusable, Scored, score
from hokusai.core.jobs import Work
from hokusai.runner.outputs import Outputs
from registry.choices import ArtifactState
from registry.models import ModelVersion

REPEATED_ROWS = 50
TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Measured:
    """What a version scored on the rows, and how it was asked."""

    version: ModelVersion
    scored: Scored
    tier: str
    duration_ms: int


Halves: TypeAlias = Mapping[EvaluationRole, Measured]


def measure(
    version: ModelVersion, benchmark: Benchmark, rows: BenchmarkRows, salt: int
) -> Measured:
    """Measure a version. `salt` sets the order in which the rows are asked.

    Raises RunnerDown where a later try may work, EvaluationFailed and OutputsUnusable for what the
    version did.
    """
    started = time.monotonic()
    generator = np.random.default_rng([benchmark.seed, salt])
    order = generator.permutation(len(rows))
    outputs = _ask(version, benchmark, rows, order)
    scored = score(rows.truth, outputs, order, metrics_of(benchmark), benchmark.task)
    sample = generator.permutation(len(order))[:REPEATED_ROWS]
    again = _ask(version, benchmark, rows, order[sample])
    _check_repeated(version, np.asarray(outputs.values)[sample], np.asarray(again.values))
    duration_ms = int((time.monotonic() - started) * 1000)
    return Measured(version, scored, tier_in_force(), duration_ms)


def _ask(
    version: ModelVersion, benchmark: Benchmark, rows: BenchmarkRows, places: npt.NDArray[np.intp]
) -> Outputs:
    classifies = benchmark.task == Task.CLASSIFICATION
    return ask(version, rows.features, rows.matrix[places], probabilities=classifies)


def _check_repeated(
    version: ModelVersion, before: npt.NDArray[Any], again: npt.NDArray[Any]
) -> None:
    """A version that answers by the place of a row, not by its content, is found out."""
    if before.shape != again.shape or not np.allclose(before, again, atol=TOLERANCE):
        raise OutputsUnusable(
            f"{version} answers the same rows differently in another order; it cannot be measured."
        )


def measure_all(work: Work, comparison: Comparison, rows: BenchmarkRows) -> Halves:
    """Measure baseline and candidate and, where the candidate was trained here, its control."""
    benchmark, halves = comparison.benchmark, dict[EvaluationRole, Measured]()
    sides = (
        (EvaluationRole.BASELINE, comparison.baseline),
        (EvaluationRole.CANDIDATE, comparison.candidate),
    )
    for salt, (role, version) in enumerate(sides, 1):
        work.progress(45 * salt - 30, f"asking the {role} v{version.number}")
        halves[role] = measure(version, benchmark, rows, salt)
    control = _control_of(comparison)
    if control is not None:
        work.progress(75, f"asking the control v{control.number}")
        halves[EvaluationRole.CONTROL] = _measure_control(control, comparison, rows, halves)
    return halves


def _control_of(comparison: Comparison) -> ModelVersion | None:
    """What the same recipe makes without the added data; None where nobody trained it."""
    training = (
        Training.objects.filter(candidate=comparison.candidate)
        .select_related("control__model__project")
        .first()
    )
    control = None if training is None else training.control
    ready = control is not None and control.artifact_state == ArtifactState.READY
    return control if ready else None


def _measure_control(
    control: ModelVersion, comparison: Comparison, rows: BenchmarkRows, halves: Halves
) -> Measured:
    baseline = halves[EvaluationRole.BASELINE]
    if control.tree_digest == comparison.baseline_digest:
        return replace(baseline, version=control)
    return measure(control, comparison.benchmark, rows, salt=3)


def keep_evaluations(
    comparison: Comparison, split: Split, halves: Halves, kept: Mapping[EvaluationRole, Kept]
) -> None:
    """Write one row per version that was measured, in the transaction of the result."""
    for role, half in halves.items():
        Evaluation.objects.create(
            comparison=comparison,
            version=half.version,
            role=role,
            split=split,
            row_count=len(next(iter(half.scored.outcomes.values()))),
            scores={name: half.scored.score(name) for name in half.scored.outcomes},
            outcomes_digest=kept[role].digest,
            outcomes_root=kept[role].root,
            outcomes_secret=kept[role].secret,
            confusion=half.scored.confusion,
            isolation_tier=half.tier,
            duration_ms=half.duration_ms,
        )
