"""Fitting by recipes through the runner; the labels of a benchmark never go there."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from django.conf import settings

from experiments.choices import Task
from experiments.exceptions import TrainingImpossible
from experiments.isolation import RunnerDown
from experiments.models import Benchmark
from experiments.training_tables import TrainingTable, classes_of, positions_in
from hokusai.runner.client import Assignment, Rows, RunnerClient
from hokusai.runner.errors import RunnerError, RunnerUnavailable
from hokusai.runner.outputs import Outputs

Floats = npt.NDArray[np.float64]


@cache
def _client(socket_path: str) -> RunnerClient:
    return RunnerClient(socket_path)


@dataclass(frozen=True, slots=True)
class Trainer:
    """One recipe for one benchmark's columns. `parameters` are complete and checked."""

    project: str
    recipe: str
    parameters: Mapping[str, Any]
    task: str
    features: Sequence[str]

    @classmethod
    def of(cls, benchmark: Benchmark, recipe: str, parameters: Mapping[str, Any]) -> "Trainer":
        """A trainer for a benchmark's task and features."""
        project = benchmark.project.slug
        return cls(project, recipe, parameters, benchmark.task, list(benchmark.features))

    def predictions(
        self,
        tables: Sequence[TrainingTable],
        coalitions: Sequence[Sequence[int]],
        seeds: Sequence[int],
        matrix: Floats,
    ) -> list[Outputs]:
        """Answers for `matrix` (m, d) of one fit per coalition of places and seed, in one child.

        Raises RunnerDown where a later try may work, TrainingImpossible.
        """
        assignment, rows = self._prepared(tables)
        with _translated():
            return _client(settings.RUNNER_SOCKET).fit_predict(
                assignment=assignment,
                tables=rows,
                coalitions=coalitions,
                seeds=seeds,
                matrix=np.ascontiguousarray(matrix, dtype=np.float64),
                **self._limits(),
            )

    def export(self, tables: Sequence[TrainingTable], seed: int) -> dict[str, bytes]:
        """The files of a model fitted on all `tables`; raises as `predictions` does."""
        assignment, rows = self._prepared(tables)
        with _translated():
            return _client(settings.RUNNER_SOCKET).fit_export(
                assignment=assignment, tables=rows, seed=seed, **self._limits()
            )

    def _limits(self) -> dict[str, Any]:
        return {
            "project": self.project,
            "deadline_s": settings.TRAINING_DEADLINE_S,
            "memory_bytes": settings.TRAINING_MEMORY_BYTES,
        }

    def _prepared(self, tables: Sequence[TrainingTable]) -> tuple[Assignment, list[Rows]]:
        classes = classes_of(tables, self.task)
        rows = [Rows(table.matrix, positions_in(table, classes)) for table in tables]
        classifies = self.task == Task.CLASSIFICATION
        assignment = Assignment(
            recipe=self.recipe,
            task="classification" if classifies else "regression",
            columns=self.features,
            classes=classes,
            parameters=self.parameters,
        )
        return assignment, rows


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except RunnerUnavailable as error:
        raise RunnerDown(error.message) from error
    except RunnerError as error:
        raise TrainingImpossible(error.message, cause=error.code) from error
