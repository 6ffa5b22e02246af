"""Recipes that misbehave; a runner of the tests is started with them. Imported by no test."""

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from hokusai.runner.loaders.base import REGRESSION, Shape
from hokusai.runner.outputs import Task
from hokusai.runner.recipes import FittedModel, Parameter, Recipe, Table


class Told:
    """Answers one number for every row."""

    def __init__(self, number: float) -> None:
        self._number = number

    def predict(self, matrix: Any) -> tuple[Shape, Any]:
        return REGRESSION, np.full((len(matrix), 1), self._number)

    def export(self) -> dict[str, bytes]:
        return {"number": str(self._number).encode()}


class Rogue(Recipe):
    title: ClassVar[str] = "rogue"
    description: ClassVar[str] = "For tests."
    tasks: ClassVar[tuple[Task, ...]] = ("regression",)

    def parameters(self, task: Task) -> tuple[Parameter, ...]:
        return ()


class Hangs(Rogue):
    def fit(self, datasets: Sequence[Table], parameters: Mapping[str, Any], seed: int) -> Told:
        time.sleep(60)
        return Told(0)


class EatsMemory(Rogue):
    def fit(self, datasets: Sequence[Table], parameters: Mapping[str, Any], seed: int) -> Told:
        held = [bytearray(b"x") * (1 << 23) for _ in range(256)]
        time.sleep(60)
        return Told(len(held))


class Raises(Rogue):
    def fit(self, datasets: Sequence[Table], parameters: Mapping[str, Any], seed: int) -> Told:
        raise ValueError(f"cannot fit {datasets[0].matrix[0, 0]}")


class Reads(Rogue):
    """0.0 where a file of the machine could not be read, 1.0 where it could."""

    def fit(self, datasets: Sequence[Table], parameters: Mapping[str, Any], seed: int) -> Told:
        try:
            Path("/etc/passwd").read_bytes()
        except OSError:
            return Told(0)
        return Told(1)


class NotNumbers(Rogue):
    def fit(self, datasets: Sequence[Table], parameters: Mapping[str, Any], seed: int) -> Told:
        return Told(float("nan"))


class Missing(Rogue):
    requires: ClassVar[str] = "a_package_that_nobody_has"
    extra: ClassVar[str] = "install the extra `nobody`"

    def fit(
        self, datasets: Sequence[Table], parameters: Mapping[str, Any], seed: int
    ) -> FittedModel:
        raise AssertionError(sys.path)
