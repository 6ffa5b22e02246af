"""Tables to train on, as a benchmark's models see them; read in workers alone."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.choices import Task
from experiments.exceptions import TrainingImpossible
from experiments.models import Benchmark, Training
from registry.algorithms.tables import TableError, to_matrix
from registry.models import DatasetVersion
from registry.services import read_rows

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TrainingTable:
    """Rows of one giver. `matrix`: (n, d) float64 in the order of the benchmark's features, NaN
    for empty; `labels`: n values, None for empty.
    """

    name: str
    matrix: Floats
    labels: list[Any]

    def __len__(self) -> int:
        return len(self.labels)

    def keys(self) -> list[bytes]:
        """Each row's features as bytes: copies with changed labels or signs of zero are one."""
        matrix = self.matrix + 0.0
        matrix[np.isnan(matrix)] = np.nan
        return [row.tobytes() for row in matrix]

    def only(self, places: Sequence[int]) -> "TrainingTable":
        """Some of its rows."""
        return TrainingTable(
            self.name, self.matrix[list(places)], [self.labels[place] for place in places]
        )


@dataclass(frozen=True, slots=True)
class TrainingTables:
    """What a training fits on: `base` alone is the control, with all of `added` the candidate.

    `added`: the new rows of each dataset version, by its key, in the order in which they came;
    rows that the base or an earlier table holds are left out, so that they change nothing.
    """

    base: TrainingTable
    added: dict[int, TrainingTable]


def tables_of(training: Training) -> TrainingTables:
    """Read everything that a training fits on. Raises TrainingImpossible, DatasetRefused."""
    benchmark = training.benchmark
    base = joined("base", [read_table(row, benchmark) for row in training.base.order_by("pk")])
    rows = list(training.added.order_by("pk"))
    added = new_rows(base, [read_table(row, benchmark) for row in rows])
    return TrainingTables(base, {row.pk: table for row, table in zip(rows, added, strict=True)})


def read_table(dataset_version: DatasetVersion, benchmark: Benchmark) -> TrainingTable:
    """One table with the benchmark's features and its own labels.

    Raises TrainingImpossible where a column is missing or is no column of numbers.
    """
    table = read_rows(dataset_version)
    label = dataset_version.label_column or benchmark.label_column
    if label not in table.columns:
        raise TrainingImpossible(f"{dataset_version} has no column {label!r} of labels.")
    try:
        matrix = to_matrix(table, benchmark.features)
    except TableError as error:
        raise TrainingImpossible(f"{dataset_version}: {error}", column=error.column) from error
    return TrainingTable(str(dataset_version), matrix, list(table.columns[label]))


def new_rows(base: TrainingTable, tables: Iterable[TrainingTable]) -> list[TrainingTable]:
    """Of each table, the rows that neither the base nor an earlier row holds."""
    known, found = set(base.keys()), []
    for table in tables:
        places = []
        for place, key in enumerate(table.keys()):
            if key not in known:
                known.add(key)
                places.append(place)
        found.append(table.only(places))
    return found


def joined(name: str, tables: Sequence[TrainingTable]) -> TrainingTable:
    """Several tables as one. Raises TrainingImpossible for none."""
    if not tables:
        raise TrainingImpossible("There is no table to train on.")
    matrix = np.concatenate([table.matrix for table in tables])
    return TrainingTable(name, matrix, [label for table in tables for label in table.labels])


def classes_of(tables: Iterable[TrainingTable], task: str) -> list[Any]:
    """The labels of a classification, sorted; none for another task.

    Whole numbers are one kind, written as 1 or 1.0. Raises TrainingImpossible where texts, numbers
    and truth values are mixed, or a regression has labels that are no numbers.
    """
    labels = {label for table in tables for label in table.labels if label is not None}
    kinds = {_kind(label) for label in labels}
    if task != Task.CLASSIFICATION:
        if kinds - {"number"}:
            raise TrainingImpossible(f"The labels of a {task} are numbers.")
        return []
    if len(kinds) > 1:
        raise TrainingImpossible(
            f"Some labels are {'s, some '.join(sorted(kinds))}s; all must be of one kind."
        )
    return sorted({_whole(label) for label in labels})


def positions_in(table: TrainingTable, classes: Sequence[Any]) -> Floats:
    """(n,) float64: each label's place in `classes`, or the label itself; NaN for empty."""
    place = {label: float(position) for position, label in enumerate(classes)}
    known = [
        place[_whole(label)] if place and label is not None else label for label in table.labels
    ]
    return np.array([math.nan if label is None else label for label in known], dtype=np.float64)


def _kind(label: object) -> str:
    if isinstance(label, bool):
        return "truth value"
    return "text" if isinstance(label, str) else "number"


def _whole(label: Any) -> Any:
    return int(label) if isinstance(label, float) and label.is_integer() else label
