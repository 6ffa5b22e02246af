"""A benchmark's rows as they are measured: one side of the split, with all that belongs to them.

Read in workers alone. Rows kept to confirm leave this module for a confirmation and nothing else.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.algorithms.metrics import Truth
from experiments.algorithms.splits import kept_for_confirmation
from experiments.choices import Split, Task
from experiments.exceptions import BenchmarkInvalid
from experiments.models import Benchmark
from registry.algorithms.rows import Column, Schema, digest_rows
from registry.algorithms.tables import Table, to_matrix
from registry.services import read_rows

MOST_SLICE_VALUES = 50
MISSING = "(none)"

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class BenchmarkRows:
    """Rows of one side, in the table's order.

    `matrix` (n, d) float64 in the order of `features`; `labels` (n,); `weights` (n,) float64 or
    None; `clusters` and `groups` (n,) numbers from 0 or None; `slices`: column -> (n,) texts.
    """

    features: list[str]
    matrix: npt.NDArray[np.float64]
    labels: list[Any]
    weights: npt.NDArray[np.float64] | None
    clusters: Indices | None
    groups: Indices | None
    slices: dict[str, list[str]]

    @property
    def truth(self) -> Truth:
        """What the metrics compare answers with."""
        return Truth(labels=self.labels, weights=self.weights, groups=self.groups)

    def __len__(self) -> int:
        return len(self.labels)


def rows_of(benchmark: Benchmark, split: Split) -> BenchmarkRows:
    """Read the rows of one side.

    Raises BenchmarkInvalid where labels, weights or clusters are missing or impossible, or the
    side has no rows.
    """
    table = read_rows(benchmark.dataset_version)
    kept = _kept(benchmark, table)
    places = np.flatnonzero(kept if split == Split.CONFIRMATION else ~kept)
    if not len(places):
        raise BenchmarkInvalid(f"{benchmark} has no rows for {split}.")
    features = list(benchmark.features)
    clusters = _numbered(table, unit_column(benchmark), places)
    groups = _numbered(table, benchmark.group_column, places)
    _check_nested(groups, clusters)
    return BenchmarkRows(
        features=features,
        matrix=to_matrix(table, features)[places],
        labels=_labels(benchmark, table, places),
        weights=_weights(benchmark, table, places),
        clusters=clusters,
        groups=groups,
        slices={name: _texts(table, name, places) for name in benchmark.slice_columns},
    )


def unit_column(benchmark: Benchmark) -> str:
    """The column whose values are independent of each other: rows of one query never are."""
    return benchmark.cluster_column or benchmark.group_column


def _kept(benchmark: Benchmark, table: Table) -> npt.NDArray[np.bool_]:
    if not benchmark.confirmation_ppm:
        return np.zeros(table.row_count, dtype=np.bool_)
    salt = bytes.fromhex(benchmark.split_salt)
    return kept_for_confirmation(_keys(benchmark, table), salt, benchmark.confirmation_ppm)


def _keys(benchmark: Benchmark, table: Table) -> Sequence[bytes]:
    column = unit_column(benchmark)
    if column:
        return [f"cluster {value!r}".encode() for value in _present(table, column)]
    rows = benchmark.dataset_version
    schema = Schema(
        columns=tuple(Column(**column) for column in rows.columns),
        label=benchmark.label_column,
        id=rows.id_column or None,
    )
    return digest_rows(table.columns, schema).inputs


def _labels(benchmark: Benchmark, table: Table, places: Indices) -> list[Any]:
    column = table.columns[benchmark.label_column]
    labels = [column[place] for place in places]
    if None in labels:
        raise BenchmarkInvalid(f"{benchmark} holds rows without a label; nothing can be scored.")
    if benchmark.task != Task.CLASSIFICATION and not all(map(_is_finite, labels)):
        raise BenchmarkInvalid(f"{benchmark} holds labels that are no finite numbers.")
    return labels


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _weights(benchmark: Benchmark, table: Table, places: Indices) -> npt.NDArray[np.float64] | None:
    if not benchmark.weight_column:
        return None
    weights = np.array(_present(table, benchmark.weight_column), dtype=np.float64)[places]
    if not bool(np.isfinite(weights).all()) or bool((weights < 0).any()) or not weights.sum():
        raise BenchmarkInvalid("Weights are numbers from zero, and not all of them zero.")
    return weights


def _numbered(table: Table, column: str, places: Indices) -> Indices | None:
    """Each value's number, from 0 in the order of their first rows; None without a column."""
    if not column:
        return None
    values, numbers = _present(table, column), dict[Hashable, int]()
    return np.array(
        [numbers.setdefault(values[place], len(numbers)) for place in places], dtype=np.intp
    )


def _check_nested(groups: Indices | None, clusters: Indices | None) -> None:
    if groups is None or clusters is None:
        return
    pairs = np.unique(np.stack([groups, clusters]), axis=1)
    if pairs.shape[1] > len(np.unique(groups)):
        raise BenchmarkInvalid("The rows of one group lie in more than one cluster.")


def _present(table: Table, column: str) -> Sequence[Any]:
    values = table.columns[column]
    if None in values:
        raise BenchmarkInvalid(f"The column {column!r} holds rows without a value.", column=column)
    return values


def _texts(table: Table, column: str, places: Indices) -> list[str]:
    values = table.columns[column]
    texts = [MISSING if values[place] is None else str(values[place]) for place in places]
    if len(set(texts)) > MOST_SLICE_VALUES:
        raise BenchmarkInvalid(
            f"The column {column!r} has more than {MOST_SLICE_VALUES} values.", column=column
        )
    return texts
