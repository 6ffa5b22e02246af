"""How many rows a benchmark needs, and what its rows can show at the next attempt."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy.special import ndtr, ndtri

from experiments.algorithms import power
from experiments.algorithms.metrics import Kind
from experiments.algorithms.splits import kept_count
from experiments.attempts import alpha_e9, expected_number
from experiments.benchmark_columns import unit_count
from experiments.benchmark_rows import unit_column
from experiments.exceptions import BenchmarkInvalid
from experiments.models import Benchmark
from experiments.registered_metrics import metric_of

PPM = 1_000_000
BILLION = 1_000_000_000
POWER_PPM = 800_000
GAIN_PPM = 30_000
DISAGREEMENT_PPM = 100_000
CORRELATION_PPM = 100_000
# Metrics whose differences are read in percentage points.
IN_POINTS = frozenset({"accuracy", "balanced_accuracy", "f1", "auroc"})


@dataclass(frozen=True, slots=True)
class Wish:
    """What is planned for, in millionths; None for what the planner takes by default.

    `disagreement_ppm`: share of the rows on which exactly one of both models is right.
    `deviation_ppm`: standard deviation of a row's gain, for metrics that are no share of hits.
    `correlation_ppm`: how much gains of one cluster correlate.
    """

    gain_ppm: int | None = None
    disagreement_ppm: int | None = None
    deviation_ppm: int | None = None
    power_ppm: int = POWER_PPM
    correlation_ppm: int = CORRELATION_PPM
    attempt: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What the screening rows of a benchmark can show at an attempt; differences in millionths.

    `rows` are all screening rows, `effective_rows` what they are worth where they come in
    clusters. `rows_needed` is None where no number of rows finds the gain, `detectable_ppm` where
    these rows find none.
    """

    attempt: int
    alpha_e9: int
    metric: str
    unit: str
    margin_ppm: int
    minimum_gain_ppm: int
    gain_ppm: int
    disagreement_ppm: int | None
    deviation_ppm: int | None
    power_ppm: int
    rows: int
    clusters: int | None
    effective_rows: int
    rows_needed: int | None
    power_of_gain_ppm: int
    detectable_ppm: int | None


@dataclass(frozen=True, slots=True)
class _Question:
    """A wish in natural units; `spread` is the deviation of a row's gain at a true gain."""

    alpha: float
    margin: float
    minimum: float
    power: float
    spread: Callable[[float], float]
    disagreement: float | None
    deviation: float


def plan(benchmark: Benchmark, wish: Wish | None = None) -> Plan:
    """Plan for a benchmark's next attempt, or the one that is wished for.

    Accepted means shown to exceed the margin and observed at the minimum gain, so that both limit.
    Raises BenchmarkInvalid for a wish that cannot be planned for, or a metric of which nobody
    stated how much a row's gain varies.
    """
    wish = wish or Wish()
    number = wish.attempt or expected_number(benchmark)
    level = alpha_e9(benchmark, number)
    gain = GAIN_PPM if wish.gain_ppm is None else wish.gain_ppm
    question = _question(benchmark, wish, level / BILLION)
    rows, clusters = screening_rows(benchmark)
    effect = _design_effect(rows, clusters, wish.correlation_ppm / PPM)
    worth = max(1, math.floor(rows / effect))
    try:
        needed = _needed(question, gain / PPM)
        found = _power(question, worth, gain / PPM)
        smallest = _detectable(question, worth)
    except power.PowerError as error:
        raise BenchmarkInvalid(str(error)) from error
    return Plan(
        attempt=number,
        alpha_e9=level,
        metric=benchmark.metric,
        unit=metric_of(benchmark.metric).unit,
        margin_ppm=benchmark.margin_ppm,
        minimum_gain_ppm=benchmark.minimum_gain_ppm,
        gain_ppm=gain,
        disagreement_ppm=_ppm(question.disagreement),
        deviation_ppm=None if question.disagreement is not None else _ppm(question.deviation),
        power_ppm=wish.power_ppm,
        rows=rows,
        clusters=clusters,
        effective_rows=worth,
        rows_needed=None if needed is None else math.ceil(needed * effect),
        power_of_gain_ppm=math.floor(found * PPM),
        detectable_ppm=None if smallest is None else math.ceil(smallest * PPM),
    )


def screening_rows(benchmark: Benchmark) -> tuple[int, int | None]:
    """How many rows decide, and in how many clusters they come; None for rows that come alone."""
    rows, column = benchmark.dataset_version, unit_column(benchmark)
    count = rows.row_count or 0
    if not column:
        return count - kept_count(count, benchmark.confirmation_ppm), None
    units = unit_count(rows, column) or 1
    left = units - kept_count(units, benchmark.confirmation_ppm)
    return round(count * left / units), left


def _question(benchmark: Benchmark, wish: Wish, alpha: float) -> _Question:
    metric = metric_of(benchmark.metric)
    by_counts = metric.kind == Kind.PROPORTION and wish.deviation_ppm is None
    disagreement = (wish.disagreement_ppm or DISAGREEMENT_PPM) / PPM
    if by_counts:
        deviation = math.sqrt(disagreement)
    elif wish.deviation_ppm is not None:
        deviation = wish.deviation_ppm / PPM
    elif "share" in metric.unit:
        # Scores in [0, 1] vary about as hits do.
        deviation = math.sqrt(disagreement)
    else:
        raise BenchmarkInvalid(
            f"State deviation_ppm, how much a row's gain varies, in millionths of {metric.unit}."
        )

    def spread(gain: float) -> float:
        return math.sqrt(max(0.0, disagreement - gain**2)) if by_counts else deviation

    return _Question(
        alpha=alpha,
        margin=benchmark.margin_ppm / PPM,
        minimum=benchmark.minimum_gain_ppm / PPM,
        power=wish.power_ppm / PPM,
        spread=spread,
        disagreement=disagreement if by_counts else None,
        deviation=deviation,
    )


def _design_effect(rows: int, clusters: int | None, correlation: float) -> float:
    if clusters is None or not rows or not clusters:
        return 1.0
    return power.design_effect(max(1.0, rows / clusters), correlation)


def _needed(question: _Question, gain: float) -> int | None:
    """Rows for the test, and for the observed gain to reach its minimum as often."""
    if gain <= max(question.margin, question.minimum):
        return None
    if question.disagreement is not None:
        for_test = power.rows_needed(
            gain, question.disagreement, question.alpha, question.margin, question.power
        )
    else:
        for_test = power.rows_needed_for_mean(
            gain, question.deviation, question.alpha, question.margin, question.power
        )
    quantile = max(0.0, float(ndtri(question.power)))
    for_minimum = (quantile * question.spread(gain) / (gain - question.minimum)) ** 2
    return max(for_test, math.ceil(for_minimum))


def _power(question: _Question, rows: int, gain: float) -> float:
    if gain <= question.margin:
        return 0.0
    if question.disagreement is not None:
        shown = power.power_at(rows, gain, question.disagreement, question.alpha, question.margin)
    else:
        shown = power.power_at_for_mean(
            rows, gain, question.deviation, question.alpha, question.margin
        )
    spread = question.spread(gain) or 1e-12
    reached = float(ndtr((gain - question.minimum) * math.sqrt(rows) / spread))
    # Both are thresholds of the one observed gain: the higher one decides.
    return min(shown, reached)


def _detectable(question: _Question, rows: int) -> float | None:
    if question.disagreement is not None:
        shown = power.detectable_gain(
            rows, question.disagreement, question.alpha, question.margin, question.power
        )
    else:
        shown = power.detectable_mean_gain(
            rows, question.deviation, question.alpha, question.margin, question.power
        )
    if shown is None:
        return None
    quantile = float(ndtri(question.power))
    reached = question.minimum + quantile * question.spread(shown) / math.sqrt(rows)
    return max(shown, reached)


def _ppm(value: float | None) -> int | None:
    return None if value is None else round(value * PPM)


def in_words(found: Plan) -> str:
    """One sentence for who is about to ask: the attempt, its level and what it can find."""
    level = found.alpha_e9 / BILLION
    head = f"This would be attempt {found.attempt} on these rows, at level {level:.2g}"
    with_what = f"With {found.rows:,} rows{_in_clusters(found)}{_varying(found)}"
    often = f"{found.power_ppm / PPM:.0%} of tries"
    if found.detectable_ppm is None:
        return f"{head}. {with_what} no true gain is found in {often}; bring more rows."
    gain = shown_gain(found.detectable_ppm, found)
    return f"{head}. {with_what} a true gain of {gain} is found in {often}."


def shown_gain(ppm: int, found: Plan) -> str:
    """A difference in the metric's own terms: percentage points for shares of rows."""
    if found.metric in IN_POINTS:
        return f"{ppm / 10_000:.1f} percentage points"
    return f"{ppm / PPM:.4g} ({found.unit})"


def _in_clusters(found: Plan) -> str:
    return "" if found.clusters is None else f" in {found.clusters:,} clusters"


def _varying(found: Plan) -> str:
    if found.disagreement_ppm is not None:
        return f" and {found.disagreement_ppm / 10_000:.0f} % disagreement"
    return f" and a deviation of {(found.deviation_ppm or 0) / PPM:.3g} per row"
