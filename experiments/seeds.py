"""How much a training's luck matters: the same comparison under every seed of the training."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.algorithms.metrics import Direction, OutcomeError
from experiments.algorithms.metrics.catalogue import score
from experiments.benchmark_rows import BenchmarkRows, rows_of
from experiments.choices import Split
from experiments.coalitions import outcomes_of_fits
from experiments.exceptions import TrainingImpossible
from experiments.measuring import measure
from experiments.models import Benchmark, Comparison, Training
from experiments.registered_metrics import metric_of
from experiments.trainer import Trainer
from experiments.training_tables import joined, tables_of

BASELINE_SALT = 1
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class SeedSpread:
    """In millionths; above zero is better, whatever the metric's direction.

    `deltas_ppm`: the candidate of each seed against the baseline; `effects_ppm`: against the
    control of the same seed, which is what the added data did. `sd_ppm`, `min_ppm` and `max_ppm`
    are of the deltas (sample deviation, 0 for one seed).
    """

    seeds: tuple[int, ...]
    deltas_ppm: tuple[int, ...]
    effects_ppm: tuple[int, ...]
    sd_ppm: int
    min_ppm: int
    max_ppm: int

    def as_dict(self) -> dict[str, Any]:
        """As JSON: lists and whole numbers."""
        stated = asdict(self)
        return {key: list(v) if isinstance(v, tuple) else v for key, v in stated.items()}


def seed_spread(
    comparison: Comparison,
    *,
    rows: BenchmarkRows | None = None,
    baseline: npt.NDArray[np.int64] | None = None,
) -> SeedSpread | None:
    """Fit control and candidate again under every seed and score them on the screening rows.

    No attempt is counted: nothing is decided by it. None where the candidate was not trained here.
    `rows` and `baseline`, the (n, p) outcomes of the deciding metric, spare measuring again.
    Raises RunnerDown where a later try may work, TrainingImpossible.
    """
    found = Training.objects.filter(candidate=comparison.candidate_id)
    training = found.select_related("benchmark__project").first()
    if training is None:
        return None
    benchmark = comparison.benchmark
    rows = rows or rows_of(benchmark, Split.SCREENING)
    if baseline is None:
        measured = measure(comparison.baseline, benchmark, rows, BASELINE_SALT)
        baseline = measured.scored.outcomes[benchmark.metric]
    return _spread(training, benchmark, rows, baseline)


def _spread(
    training: Training,
    benchmark: Benchmark,
    rows: BenchmarkRows,
    baseline: npt.NDArray[np.int64],
) -> SeedSpread:
    tables, seeds = tables_of(training), tuple(training.seeds)
    trainer = Trainer.of(benchmark, training.recipe, training.parameters)
    given = [tables.base, joined("added", list(tables.added.values()))]
    fits = [(places, seed) for seed in seeds for places in ([0], [0, 1])]
    outcomes = outcomes_of_fits(trainer, benchmark, rows, given, fits)
    before = _score(benchmark, rows, baseline)
    scores = [_score(benchmark, rows, found) for found in outcomes]
    sign = 1 if metric_of(benchmark.metric).direction == Direction.HIGHER else -1
    return summarised(
        seeds,
        deltas=[round(sign * (after - before) * MILLION) for after in scores[1::2]],
        effects=[
            round(sign * (after - without) * MILLION)
            for without, after in zip(scores[::2], scores[1::2], strict=True)
        ],
    )


def summarised(seeds: Sequence[int], deltas: Sequence[int], effects: Sequence[int]) -> SeedSpread:
    """The spread of `deltas`, in millionths."""
    deviation = float(np.std(deltas, ddof=1)) if len(deltas) > 1 else 0.0
    return SeedSpread(
        seeds=tuple(seeds),
        deltas_ppm=tuple(deltas),
        effects_ppm=tuple(effects),
        sd_ppm=math.ceil(deviation),
        min_ppm=min(deltas),
        max_ppm=max(deltas),
    )


def _score(benchmark: Benchmark, rows: BenchmarkRows, outcomes: npt.NDArray[np.int64]) -> float:
    try:
        return score(metric_of(benchmark.metric), outcomes, rows.weights)
    except OutcomeError as error:
        raise TrainingImpossible(str(error)) from error
