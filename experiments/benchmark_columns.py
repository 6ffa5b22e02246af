"""Whether a table's columns can be what a benchmark makes of them, by what intake counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.algorithms.metrics import OutcomeError, Truth
from experiments.algorithms.splits import MINIMUM_KEPT_CLUSTERS, default_share, kept_count
from experiments.benchmark_rows import MOST_SLICE_VALUES
from experiments.choices import Task
from experiments.exceptions import BenchmarkInvalid
from experiments.policy import MOST_CONFIRMATION_PPM
from experiments.registered_metrics import metric_of
from registry.choices import DatasetState
from registry.models import DatasetVersion

NUMERIC = ("number", "integer", "boolean")
COUNTED = ("number", "integer")
MOST_CLASSES_OF_NUMBERS = 50
MINIMUM_UNITS = 30


@dataclass(frozen=True, slots=True)
class Columns:
    """What each column is for; `features` is None for all that are left."""

    label: str
    features: Sequence[str] | None = None
    cluster: str = ""
    weight: str = ""
    group: str = ""
    slices: Sequence[str] = ()

    @property
    def units(self) -> str:
        """The column whose values are independent of each other; empty where rows are."""
        return self.cluster or self.group


def check_rows(project_id: int, rows: DatasetVersion) -> None:
    """Raises BenchmarkInvalid for rows of another project, unusable ones, or none."""
    if rows.project.pk != project_id or rows.state != DatasetState.USABLE:
        raise BenchmarkInvalid("A benchmark needs a usable dataset version of its project.")
    if rows.row_count == 0:
        raise BenchmarkInvalid("The dataset version has no rows.")


def check_columns(rows: DatasetVersion, columns: Columns, task: str) -> list[str]:
    """The features, in their order.

    Raises BenchmarkInvalid for columns that are absent, used twice or of a type that does not fit.
    """
    types = {column["name"]: column["dtype"] for column in rows.columns}
    single = (columns.label, columns.cluster, columns.weight, columns.group)
    for name in (*filter(None, single), *columns.slices):
        if name not in types:
            raise BenchmarkInvalid(f"The rows have no column {name!r}.", column=name)
    purposes = [name for name in single if name]
    if len(set(purposes)) < len(purposes) or len(set(columns.slices)) < len(columns.slices):
        raise BenchmarkInvalid("A column is used once.", columns=purposes)
    if (task == Task.RANKING) != bool(columns.group):
        raise BenchmarkInvalid("A ranking, and no other task, names the column of its groups.")
    _check_weight(rows, columns.weight, types)
    _check_units(rows, columns)
    for name in columns.slices:
        _check_slice(rows, name)
    return _features(rows, columns, types)


def _features(rows: DatasetVersion, columns: Columns, types: Mapping[str, str]) -> list[str]:
    never = {columns.label, columns.weight, columns.group, rows.id_column}
    if columns.features is None:
        texts = {name for name in columns.slices if types[name] == "text"}
        apart = never | texts | {columns.cluster}
        chosen = [name for name in types if name not in apart]
    else:
        chosen = list(columns.features)
    for name in chosen:
        if name in never or types.get(name) not in NUMERIC:
            raise BenchmarkInvalid(f"The feature {name!r} is no column of numbers.", column=name)
    if not chosen:
        raise BenchmarkInvalid("A benchmark needs at least one feature.")
    return chosen


def check_labels(rows: DatasetVersion, columns: Columns, task: str, metrics: Sequence[str]) -> None:
    """Raises BenchmarkInvalid for labels that are missing, of one class only, or do not fit the
    task or a metric.
    """
    facts = _facts(rows, columns.label)
    if not facts:
        return
    if facts["missing"]:
        raise BenchmarkInvalid(f"{facts['missing']} rows have no label.", column=columns.label)
    truth = _sample(rows, facts, columns.label, task)
    for name in metrics:
        try:
            metric_of(name).check(truth)
        except OutcomeError as error:
            raise BenchmarkInvalid(str(error), metric=name) from error


def _sample(rows: DatasetVersion, facts: Mapping[str, Any], label: str, task: str) -> Truth:
    """Labels like those of the rows: as many classes, or the same range."""
    if task == Task.CLASSIFICATION:
        if facts["type"] == "number" and facts["distinct"] > MOST_CLASSES_OF_NUMBERS:
            raise BenchmarkInvalid("The labels are numbers, not classes: make it a regression.")
        balance = rows.statistics.get("label") or {}
        if balance.get("name") == label and not balance.get("classes_capped", True):
            return Truth([item["value"] for item in balance["classes"]])
        return Truth(list(range(facts["distinct"])))
    if facts["type"] not in COUNTED or facts.get("infinite"):
        raise BenchmarkInvalid(f"The labels of a {task} are finite numbers.", column=label)
    if task == Task.RANKING:
        return Truth([facts["min"], facts["max"]], groups=np.zeros(2, dtype=np.intp))
    return Truth([facts["min"], facts["max"]])


def _check_weight(rows: DatasetVersion, column: str, types: Mapping[str, str]) -> None:
    if not column:
        return
    facts = _facts(rows, column)
    if types[column] not in COUNTED or facts.get("infinite"):
        raise BenchmarkInvalid("Weights are finite numbers.", column=column)
    if facts.get("missing"):
        raise BenchmarkInvalid(f"{facts['missing']} rows have no weight.", column=column)
    if facts.get("min", 0) < 0:
        raise BenchmarkInvalid("A weight is below zero.", column=column)
    if facts.get("max", 1) <= 0:
        raise BenchmarkInvalid("All weights are zero.", column=column)


def _check_units(rows: DatasetVersion, columns: Columns) -> None:
    for column in (columns.cluster, columns.group):
        missing = _facts(rows, column).get("missing")
        if missing:
            raise BenchmarkInvalid(f"{missing} rows have no {column!r}.", column=column)


def _check_slice(rows: DatasetVersion, column: str) -> None:
    if _facts(rows, column).get("distinct", 0) > MOST_SLICE_VALUES:
        raise BenchmarkInvalid(
            f"A column of slices has at most {MOST_SLICE_VALUES} values.", column=column
        )


def unit_count(rows: DatasetVersion, unit_column: str) -> int | None:
    """How many independent rows, clusters or groups there are; None where nobody counted."""
    if not unit_column:
        return rows.row_count
    facts = _facts(rows, unit_column)
    return int(facts["distinct"]) if "distinct" in facts else None


def confirmation_share(rows: DatasetVersion, columns: Columns, wished: int | None) -> int:
    """Millionths of the rows that are kept to confirm; for None, what `default_share` says.

    Raises BenchmarkInvalid where either side would be left with less than a decision needs.
    """
    units = unit_count(rows, columns.units)
    if wished is None:
        return 0 if units is None else default_share(units, clustered=bool(columns.units))
    if not 0 <= wished <= MOST_CONFIRMATION_PPM:
        raise BenchmarkInvalid("At most nine tenths of the rows are kept to confirm.")
    if not wished or units is None:
        return wished
    kept = kept_count(units, wished)
    if min(kept, units - kept) < MINIMUM_UNITS:
        what = f"values of {columns.units!r}" if columns.units else "rows"
        raise BenchmarkInvalid(
            f"Of {units} {what} {kept} would be kept to confirm; a decision needs at least "
            f"{MINIMUM_UNITS} on either side. Keep none, or bring more rows.",
            confirmation_ppm=wished,
        )
    return wished


def too_few_clusters(rows: DatasetVersion, columns: Columns) -> bool:
    """Whether every decision will be refused for want of clusters."""
    units = unit_count(rows, columns.units)
    return bool(columns.units) and units is not None and units < MINIMUM_KEPT_CLUSTERS


def _facts(rows: DatasetVersion, column: str) -> dict[str, Any]:
    """What intake counted in a column; empty where it is absent or was not counted."""
    for facts in rows.statistics.get("columns", ()):
        if facts["name"] == column:
            found: dict[str, Any] = facts
            return found
    return {}
