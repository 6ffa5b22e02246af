"""What a recipe's model answers when only some givers' rows are added: the game behind shares."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.algorithms.metrics import OutcomeError
from experiments.benchmark_rows import BenchmarkRows, rows_of
from experiments.choices import Split
from experiments.exceptions import TrainingImpossible
from experiments.models import Benchmark, Comparison
from experiments.registered_metrics import metric_of
from experiments.scoring import answers_of
from experiments.trainer import Trainer
from experiments.training_tables import TrainingTable
from hokusai.runner.outputs import Outputs

Outcomes = npt.NDArray[np.int64]
# The order in which a comparison asks its candidate: equal order, equal bits.
CANDIDATE_SALT = 2


def coalition_outcomes(
    *,
    comparison: Comparison,
    recipe: str,
    parameters: Mapping[str, Any],
    seed: int,
    base: TrainingTable,
    players: Sequence[TrainingTable],
    coalitions: Sequence[int],
    rows: BenchmarkRows | None = None,
) -> Outcomes:
    """(k, n, p) int64: the deciding metric's outcomes on the screening rows, per coalition.

    A coalition is a mask: bit i stands for `players[i]`; the base is always in. One child fits all
    of `coalitions`, so give them in batches; `rows` spares reading the benchmark again. The full
    coalition on a training's own tables and first seed gives the candidate's own outcomes; how rows
    are grouped into players does not matter. Raises RunnerDown where a later try may work,
    TrainingImpossible, OutputsUnusable.
    """
    benchmark = comparison.benchmark
    rows = rows or rows_of(benchmark, Split.SCREENING)
    trainer = Trainer.of(benchmark, recipe, parameters)
    members = [_members(mask, len(players)) for mask in coalitions]
    fits = [(places, seed) for places in members]
    return np.stack(outcomes_of_fits(trainer, benchmark, rows, [base, *players], fits))


def outcomes_of_fits(
    trainer: Trainer,
    benchmark: Benchmark,
    rows: BenchmarkRows,
    tables: Sequence[TrainingTable],
    fits: Sequence[tuple[Sequence[int], int]],
) -> list[Outcomes]:
    """(n, p) int64 of the deciding metric per fit, a fit being places of tables and a seed."""
    order = np.random.default_rng([benchmark.seed, CANDIDATE_SALT]).permutation(len(rows))
    answered = trainer.predictions(
        tables,
        [places for places, _ in fits],
        [seed for _, seed in fits],
        rows.matrix[order],
    )
    return [_outcomes(benchmark, rows, outputs, order) for outputs in answered]


def _members(mask: int, players: int) -> list[int]:
    """Places of a coalition's tables, of which the base is the first."""
    if not 0 <= mask < 1 << players:
        raise TrainingImpossible(f"There is no coalition {mask} of {players} givers.")
    return [0, *(player + 1 for player in range(players) if mask >> player & 1)]


def _outcomes(
    benchmark: Benchmark, rows: BenchmarkRows, outputs: Outputs, order: npt.NDArray[np.intp]
) -> Outcomes:
    answers = answers_of(rows.truth, outputs, order, benchmark.task)
    try:
        return metric_of(benchmark.metric).components(rows.truth, answers)
    except OutcomeError as error:
        raise TrainingImpossible(str(error)) from error
