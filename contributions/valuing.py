"""What each person's data is worth: by the method's coalitions, or by nearest neighbours."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from django.conf import settings

from contributions.algorithms import knn_shapley, leave_one_out, sampling, shapley
from contributions.algorithms.coalitions import CoalitionError, everyone
from contributions.algorithms.intervals import Attributed, Reading
from contributions.credit import BILLION, Measured, measured
from contributions.exceptions import AttributionImpossible
from contributions.game import Game, Outcomes, read_batch, reading_for
from contributions.models import Attribution
from experiments.benchmark_rows import BenchmarkRows
from experiments.choices import EvaluationRole, Split, Task
from experiments.models import Benchmark, Comparison
from experiments.outcomes import read_outcomes
from experiments.training_tables import classes_of, joined, positions_in

# Of the whole gain: how far a sampled value may be off, and what may be left of an order.
TOLERATED, TRUNCATED = 0.05, 0.01
# A refit may differ by the last digits of a float.
REPRODUCED_WITHIN_PPM = 5
PER_PPM = BILLION // 1_000_000

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Valued:
    """`values` per person; `scores`: value of each coalition, larger is better; what they cost.

    `attributed_ppm`: what all persons are worth together, where the candidate was also trained on
    rows that belong to nobody.
    """

    method: str
    values: tuple[Measured, ...]
    scores: Mapping[int, float]
    error_bound: int = 0
    reproduced: bool = False
    attributed_ppm: int | None = None


def method_for(asked: str, persons: int) -> str:
    """The method that is used: exact values up to ten persons, sampled ones above."""
    if asked in (shapley.METHOD, sampling.METHOD):
        return shapley.METHOD if persons <= shapley.MAX_EXACT else sampling.METHOD
    return asked


def scores_of(
    attribution: Attribution, benchmark: Benchmark, rows: BenchmarkRows
) -> dict[int, float]:
    """The value of every coalition that was evaluated. Raises ContentMissing, ContentDamaged."""
    scores: dict[int, float] = {}
    for masks, outcomes in _batches(attribution):
        reading = reading_for(benchmark, rows, outcomes[0])
        scores |= dict(zip(masks, reading.read(outcomes)[0].tolist(), strict=True))
    return scores


def masks_needed(
    method: str, game: Game, benchmark: Benchmark, scores: Mapping[int, float]
) -> tuple[int, ...]:
    """The coalitions to evaluate next; none once the values can be told."""
    wanted = [*_wanted(method, game, benchmark, scores), game.candidate]
    return tuple(dict.fromkeys(mask for mask in wanted if mask not in scores))


def _wanted(
    method: str, game: Game, benchmark: Benchmark, scores: Mapping[int, float]
) -> Sequence[int]:
    persons = len(game.people)
    if method == shapley.METHOD:
        return range(1 << persons)
    if method == leave_one_out.METHOD:
        return leave_one_out.coalitions(persons)
    own = _own(game, scores)
    return sampling.next_coalitions(_policy(benchmark, game, own), persons, own)


def valued(
    attribution: Attribution,
    method: str,
    game: Game,
    rows: BenchmarkRows,
    scores: Mapping[int, float],
) -> Valued:
    """Values and intervals from the kept outcomes. Raises AttributionImpossible."""
    comparison = attribution.credited.comparison
    benchmark = comparison.benchmark
    weights, error_bound = _weights(method, game, benchmark, scores)
    sums, reproduced = None, True
    for masks, outcomes in _batches(attribution):
        if sums is None:
            sums = Attributed(reading_for(benchmark, rows, outcomes[0]), len(game.people))
        counts = np.stack([weights.get(mask, np.zeros(len(game.people))) for mask in masks], axis=1)
        sums.add(counts, outcomes)
        reproduced &= _reproduces(comparison, game, dict(zip(masks, outcomes, strict=True)))
    if sums is None:
        raise AttributionImpossible("No coalition was evaluated.")
    together = scores[game.everyone] - scores[0]
    return Valued(
        method=method,
        values=measured(sums.estimates(benchmark.alpha), error_bound),
        scores=scores,
        error_bound=int(np.ceil(error_bound * BILLION)),
        reproduced=reproduced,
        attributed_ppm=int(together * 1_000_000 // 1) if game.ownerless_rows else None,
    )


def _weights(
    method: str, game: Game, benchmark: Benchmark, scores: Mapping[int, float]
) -> tuple[dict[int, Floats], float]:
    """What each coalition counts for each person, and how far sampling may be off."""
    persons = len(game.people)
    if method == shapley.METHOD:
        return dict(enumerate(shapley.shapley_weights(persons).T)), 0.0
    if method == leave_one_out.METHOD:
        masks = leave_one_out.coalitions(persons)
        return dict(zip(masks, leave_one_out.weights(persons).T, strict=True)), 0.0
    own = _own(game, scores)
    found = sampling.sampled(_policy(benchmark, game, own), persons, own)
    return dict(zip(found.masks, found.weights.T, strict=True)), found.error_bound


def _own(game: Game, scores: Mapping[int, float]) -> dict[int, float]:
    """Scores of coalitions of persons alone."""
    return {mask: score for mask, score in scores.items() if mask <= game.everyone}


def _policy(benchmark: Benchmark, game: Game, scores: Mapping[int, float]) -> sampling.Policy:
    gain = abs(scores.get(everyone(len(game.people)), 0.0) - scores.get(0, 0.0))
    return sampling.Policy(
        seed=benchmark.seed,
        tolerance=TOLERATED * gain,
        truncation=TRUNCATED * gain,
        max_pairs=settings.ATTRIBUTION_MAX_PAIRS,
    )


def _batches(attribution: Attribution) -> Iterator[tuple[list[int], Outcomes]]:
    """Coalitions and their outcomes (k, n, p), batch by batch."""
    done = attribution.batches.exclude(outcomes_digest="").order_by("number")
    for masks, digest in done.values_list("masks", "outcomes_digest"):
        yield masks, read_batch(digest)


def _reproduces(comparison: Comparison, game: Game, found: Mapping[int, Outcomes]) -> bool:
    """Whether nobody's and the candidate's coalition, where they are among these, gave what the
    control and the candidate gave when they were compared.
    """
    roles = {game.candidate: EvaluationRole.CANDIDATE, 0: EvaluationRole.CONTROL}
    for mask, role in roles.items():
        if mask not in found:
            continue
        evaluation = comparison.evaluations.filter(role=role, split=Split.SCREENING).first()
        if evaluation is None:
            return False
        kept = read_outcomes(evaluation)[comparison.benchmark.metric]
        if kept.shape != found[mask].shape:
            return False
        if int(np.abs(kept - found[mask]).max()) > REPRODUCED_WITHIN_PPM:
            return False
    return True


def valued_by_neighbours(benchmark: Benchmark, game: Game, rows: BenchmarkRows) -> Valued:
    """What each person's rows do for a nearest-neighbour classifier of the benchmark's rows.

    Raises AttributionImpossible for another task than classification, or empty cells.
    """
    if benchmark.task != Task.CLASSIFICATION:
        raise AttributionImpossible("Nearest neighbours attribute classifications alone.")
    try:
        by_row = _neighbour_values(benchmark, game, rows)
        reading = _mean_reading(by_row, rows)
        sums = Attributed(reading, len(game.people))
        sums.add(np.eye(len(game.people)), np.zeros((len(game.people), len(rows), 1), np.int64))
    except CoalitionError as error:
        raise AttributionImpossible(str(error)) from error
    values = measured(sums.estimates(benchmark.alpha), 0.0)
    return Valued(method=knn_shapley.METHOD, values=values, scores={})


def _neighbour_values(benchmark: Benchmark, game: Game, rows: BenchmarkRows) -> Floats:
    """(n, persons) of each tested row; features are scaled to one standard deviation."""
    tables = [*game.tables, game.base]
    whole = joined("all", tables)
    classes = classes_of(tables, benchmark.task)
    places = {label: place for place, label in enumerate(classes)}
    answers = np.array([places.get(label, -1) for label in rows.labels], dtype=np.intp)
    labels = positions_in(whole, classes)
    owners = np.repeat(np.arange(len(tables)), [len(table) for table in tables])
    # A row without a label tells a neighbour nothing.
    kept = ~np.isnan(labels)
    spread = whole.matrix[kept].std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    found = knn_shapley.knn_shapley(
        whole.matrix[kept] / scale,
        labels[kept].astype(np.intp),
        rows.matrix / scale,
        answers,
        owners[kept],
    )
    return found[:, : len(game.people)]


def _mean_reading(by_row: Floats, rows: BenchmarkRows) -> Reading:
    """Read (n, persons) values per row as one mean per person."""
    mass = np.ones(len(rows)) if rows.weights is None else rows.weights
    share = mass / mass.sum()
    means = share @ by_row

    def read(_: Outcomes) -> tuple[Floats, Floats]:
        return means, ((by_row - means) * share[:, np.newaxis]).T

    codes = np.arange(len(rows)) if rows.clusters is None else rows.clusters
    units = len(np.unique(codes[mass > 0]))
    return Reading(read=read, units=units, clusters=rows.clusters)
