"""Versions that answer without a runner: what they say is made from a row's place."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from experiments import measuring
from hokusai.runner.outputs import Outputs, Task
from registry.models import ModelVersion

Matrix = npt.NDArray[np.float64]
ROWS = 240
NOISE = np.random.default_rng(7).normal(size=ROWS)


def content() -> bytes:
    """Rows whose x is the row's place: answers are made from it."""
    lines = ["shop,query,mass,region,x,label,value"]
    for row in range(ROWS):
        region = "north" if row % 4 else "south"
        lines.append(f"s{row // 4},{row // 4},{1 + row % 2},{region},{row},{row % 2},{row % 5}")
    return "\n".join(lines).encode()


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[Matrix], Any]]:
    """Versions by tree digest, and how each answers."""
    known: dict[str, Callable[[Matrix], Any]] = {}

    def ask(
        version: ModelVersion, features: list[str], matrix: Matrix, *, probabilities: bool
    ) -> Outputs:
        values = np.ascontiguousarray(known[version.tree_digest](matrix), dtype=np.float64)
        task: Task = "classification" if values.shape[1] > 1 else "regression"
        names = ("probability.0", "probability.1")[: values.shape[1] - 1]
        return Outputs(
            task, ("prediction", *names), (0, 1) if names else (), memoryview(values), "A", "skops"
        )

    monkeypatch.setattr(measuring, "ask", ask)
    monkeypatch.setattr(measuring, "tier_in_force", lambda: "A")
    return known


def numbers(error: float) -> Callable[[Matrix], Any]:
    """The label `value`, off by noise of a size."""
    return lambda matrix: (matrix[:, :1] % 5) + error * NOISE[matrix[:, 0].astype(int), None]


def classes(wrong: int) -> Callable[[Matrix], Any]:
    """The label, except for the first `wrong` of each twelve rows."""

    def answer(matrix: Matrix) -> Any:
        place = matrix[:, 0].astype(int)
        label = (place + (place % 12 < wrong)) % 2
        sure = 0.5 + 0.4 * (label == 1) - 0.4 * (label == 0)
        return np.column_stack([label, 1 - sure, sure])

    return answer
