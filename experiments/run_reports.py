"""Reads of runs for pages and charts: what differs between them, and their curves."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.models import Run, RunHistory

RUNS_COMPARED = 20
AXES_SHOWN = 12
Value = str | float | None


@dataclass(frozen=True, slots=True)
class Line:
    """One parameter or metric of several runs; None where a run lacks it."""

    name: str
    values: tuple[Value, ...]

    @property
    def differs(self) -> bool:
        return len(set(self.values)) > 1


@dataclass(frozen=True, slots=True)
class ComparedRuns:
    """Runs side by side; `values` of every line are in the order of `runs`."""

    runs: tuple[Run, ...]
    parameters: tuple[Line, ...]
    metrics: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Axis:
    """A coordinate: numbers, or places of `names` where some value is no number."""

    name: str
    names: tuple[str, ...]
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """One metric of one run, the `place`th of those asked for: (step, Unix time in ms, value)."""

    run: Run
    place: int
    points: tuple[tuple[int, int, float], ...]


def compared(runs: Sequence[Run], *, everything: bool = False) -> ComparedRuns:
    """What differs between runs; with `everything`, what is equal too."""
    return ComparedRuns(
        runs=tuple(runs),
        parameters=_lines(runs, lambda run: run.parameters, everything),
        metrics=_lines(runs, lambda run: run.metrics, everything),
    )


def _lines(
    runs: Sequence[Run], part: Callable[[Run], Mapping[str, Any]], everything: bool
) -> tuple[Line, ...]:
    names = sorted({name for run in runs for name in part(run)})
    lines = (Line(name, tuple(part(run).get(name) for run in runs)) for name in names)
    return tuple(line for line in lines if everything or line.differs)


def axes(found: ComparedRuns) -> tuple[Axis, ...]:
    """Coordinates of what differs: metrics last, so that lines lead to them."""
    metrics = found.metrics[: AXES_SHOWN // 2]
    parameters = found.parameters[: AXES_SHOWN - len(metrics)]
    return tuple(_axis(line) for line in (*parameters, *metrics))


def _axis(line: Line) -> Axis:
    numbers = [_number(value) for value in line.values]
    if all(n is not None or v is None for n, v in zip(numbers, line.values, strict=True)):
        return Axis(line.name, (), tuple(numbers))
    names = sorted({str(value) for value in line.values if value is not None})
    places = (None if v is None else float(names.index(str(v))) for v in line.values)
    return Axis(line.name, tuple(names), tuple(places))


def _number(value: Value) -> float | None:
    try:
        number = float(value) if value is not None else None
    except ValueError:
        return None
    return number if number is None or abs(number) < float("inf") else None


def curves(runs: Sequence[Run]) -> dict[str, list[Curve]]:
    """Curves that were fetched, by metric, in the order of the runs.

    A metric of which no run has more than one value is left out.
    """
    places = {run.pk: place for place, run in enumerate(runs)}
    found: dict[str, list[Curve]] = {}
    rows = RunHistory.objects.filter(run__in=places).order_by("metric")
    for row in sorted(rows, key=lambda row: (row.metric, places[row.run_id])):
        place = places[row.run_id]
        points = tuple((step, at_ms, value) for step, at_ms, value in row.points)
        if points:
            found.setdefault(row.metric, []).append(Curve(runs[place], place, points))
    return {
        metric: lines
        for metric, lines in found.items()
        if any(len(line.points) > 1 for line in lines)
    }


def unfetched(runs: Sequence[Run]) -> list[Run]:
    """Runs with metrics whose curves nobody asked for yet."""
    fetched = set(
        RunHistory.objects.filter(run__in=[run.pk for run in runs]).values_list("run_id", flat=True)
    )
    return [run for run in runs if run.metrics and run.pk not in fetched]
