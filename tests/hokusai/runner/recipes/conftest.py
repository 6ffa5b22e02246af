"""A runner that was started with the shipped recipes and with some that misbehave."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hokusai.runner.client import Assignment, Rows, RunnerClient
from hokusai.runner.recipes.allowed import DEFAULT
from tests.hokusai.runner.conftest import Store, running

ROGUES = {
    name.lower(): f"rogues.{name}"
    for name in ("Hangs", "EatsMemory", "Raises", "Reads", "NotNumbers", "Missing")
}
COLUMNS = ("a", "b")


@pytest.fixture(scope="session")
def trainer(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunnerClient]:
    stated = ",".join(f"{name}={path}" for name, path in {**DEFAULT, **ROGUES}.items())
    options = ["--recipes", stated, "--recipe-folder", str(Path(__file__).parent)]
    with running(tmp_path_factory.mktemp("trainer"), store, *options) as (client, _):
        yield client


def rows(seed: int, size: int = 60, *, kind: str = "classification", shift: float = 0.0) -> Rows:
    """Rows whose label depends on `a` and `b`."""
    matrix = np.random.default_rng(seed).normal(size=(size, 2)) + shift
    total = matrix.sum(axis=1)
    if kind == "classification":
        return Rows(matrix, (total > 2 * shift).astype(float))
    return Rows(matrix, 3 * total + 1)


def assignment(recipe: str = "scikit-learn", **stated: Any) -> Assignment:
    task = stated.pop("task", "classification")
    classes = stated.pop("classes", ["no", "yes"] if task == "classification" else [])
    return Assignment(recipe, task, COLUMNS, classes, stated)


ASKED = np.random.default_rng(99).normal(size=(40, 2))
