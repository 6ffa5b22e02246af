"""What a gain is attributed on: the persons' new rows, and outcomes when only some take part."""

import io
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import numpy.typing as npt

from contributions.algorithms.coalitions import everyone
from contributions.algorithms.intervals import Reading
from contributions.algorithms.readings import reading_of
from contributions.gifts import Gift, Person, gifts_of, people_of
from experiments.benchmark_rows import BenchmarkRows
from experiments.coalitions import coalition_outcomes
from experiments.models import Benchmark, Comparison, Training
from experiments.registered_metrics import metric_of
from experiments.training_tables import (
    TrainingTable,
    TrainingTables,
    joined,
    new_rows,
    read_table,
    tables_of,
)
from hokusai.storage import stores

Outcomes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Game:
    """`tables`: one per person, in their order, then what the candidate was trained on beside the
    base and belongs to nobody, where there is such a thing.
    """

    base: TrainingTable
    people: tuple[Person, ...]
    gifts: tuple[Gift, ...]
    tables: tuple[TrainingTable, ...]

    @property
    def everyone(self) -> int:
        """The coalition of all persons."""
        return everyone(len(self.people))

    @property
    def candidate(self) -> int:
        """The coalition that gives the candidate: all persons, and what belongs to nobody."""
        return everyone(len(self.tables))

    @property
    def ownerless_rows(self) -> int:
        """Rows that the candidate was trained on and nobody is credited with."""
        return sum(len(table) for table in self.tables[len(self.people) :])


def game_of(comparison: Comparison, training: Training | None) -> Game:
    """Read who gave what. Without a training the base is what the baseline was trained on.

    Raises TrainingImpossible, DatasetRefused, ContentMissing.
    """
    own = [] if training is None else list(training.base.all())
    gifts = gifts_of(comparison, own)
    people = people_of(gifts)
    trained = _of_comparison(comparison, gifts) if training is None else tables_of(training)
    owner = {
        gift.contribution.dataset_version_id: (number, gift.keys)
        for number, person in enumerate(people)
        for gift in person.gifts
    }
    parts: list[list[TrainingTable]] = [[] for _ in range(len(people) + 1)]
    for key, table in trained.added.items():
        number, keys = owner.get(key, (len(people), frozenset()))
        mine, rest = _divided(table, keys)
        parts[number].append(mine)
        parts[-1].append(rest)
    tables = [joined(str(number), part) for number, part in enumerate(parts) if part]
    if tables and not len(tables[-1]) and len(tables) > len(people):
        tables.pop()
    return Game(trained.base, tuple(people), tuple(gifts), tuple(tables))


def _divided(table: TrainingTable, keys: frozenset[bytes]) -> tuple[TrainingTable, TrainingTable]:
    """The rows with these keys, and the others."""
    counts = [sha256(key).digest() in keys for key in table.keys()]  # noqa: SIM118
    mine = [place for place, is_mine in enumerate(counts) if is_mine]
    rest = [place for place, is_mine in enumerate(counts) if not is_mine]
    return table.only(mine), table.only(rest)


def _of_comparison(comparison: Comparison, gifts: Iterable[Gift]) -> TrainingTables:
    benchmark = comparison.benchmark
    old = comparison.baseline.training_data.order_by("pk")
    base = joined("base", [read_table(version, benchmark) for version in old])
    given = [gift.contribution.dataset_version for gift in gifts if gift.keys]
    added = new_rows(base, [read_table(version, benchmark) for version in given])
    rows = zip(given, added, strict=True)
    return TrainingTables(base, {version.pk: table for version, table in rows})


def outcomes_of(
    game: Game,
    comparison: Comparison,
    training: Training,
    masks: Sequence[int],
    rows: BenchmarkRows,
) -> Outcomes:
    """(k, n, p) int64 of coalitions on the screening rows.

    Raises RunnerDown, TrainingImpossible.
    """
    return coalition_outcomes(
        comparison=comparison,
        recipe=training.recipe,
        parameters=training.parameters,
        seed=training.seeds[0],
        base=game.base,
        players=game.tables,
        coalitions=masks,
        rows=rows,
    )


def reading_for(benchmark: Benchmark, rows: BenchmarkRows, sample: Outcomes) -> Reading:
    """How outcomes (n, p) of the benchmark's deciding metric on these rows are read."""
    return reading_of(
        metric_of(benchmark.metric), sample, weights=rows.weights, clusters=rows.clusters
    )


def keep_batch(outcomes: Outcomes) -> str:
    """Store outcomes of coalitions, as compressed NumPy bytes; their digest."""
    stream = io.BytesIO()
    np.save(stream, np.ascontiguousarray(outcomes, dtype="<i8"), allow_pickle=False)
    return stores["default"].put(zlib.compress(stream.getvalue(), 6))


def read_batch(digest: str) -> Outcomes:
    """(k, n, p) int64 as they were stored. Raises ContentMissing, ContentDamaged."""
    content = zlib.decompress(stores["default"].get(digest))
    found: Outcomes = np.load(io.BytesIO(content), allow_pickle=False)
    return found
