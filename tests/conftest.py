import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from django.core.cache import cache

from hokusai.storage import stores, uploads
from hokusai.tracking import tracking
from tests.servers import wait_for_mlflow

# Where in the run the drills begin: with too little before them the run's own servers are still
# starting, with too little behind them one worker has nothing left to do beside them.
DRILLS_BEGIN = 0.45

# A part of eth-account raises the limit when it is first imported, so far that JSON of 100,000
# brackets overruns the stack. The platform puts it back; tests that import it themselves do not.
_LIMIT = sys.getrecursionlimit()
import_module("py_ecc")
sys.setrecursionlimit(_LIMIT)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what needs the run's tracking server first, and the drills' stacks amid the rest."""
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    ordered = sorted(files.values(), key=lambda tests: not _asks_tracking(tests))
    drills = [tests for tests in ordered if tests[0].get_closest_marker("drill")]
    rest = [tests for tests in ordered if tests not in drills]
    before, place = 0, 0
    while place < len(rest) and before < DRILLS_BEGIN * len(items):
        before += len(rest[place])
        place += 1
    items[:] = [test for tests in (*rest[:place], *drills, *rest[place:]) for test in tests]


def _asks_tracking(tests: list[pytest.Item]) -> bool:
    return any("mlflow_url" in getattr(test, "fixturenames", ()) for test in tests)


@pytest.fixture(autouse=True)
def _fresh_twins() -> Iterator[None]:
    """Memory twins and the cache start empty in each test."""
    stores.forget()
    uploads.forget()
    tracking.forget()
    yield
    cache.clear()


@pytest.fixture(scope="session")
def mlflow_url() -> str:
    """The tracking server of this run."""
    return wait_for_mlflow()
