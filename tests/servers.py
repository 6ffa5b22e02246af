"""A pytest plugin: one PostgreSQL, one Redis and, when a test asks, one MLflow for the whole run.

The process that starts the run starts them beside itself; pytest's workers inherit the addresses.
"""

import atexit
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = "HOKUSAI_TEST_FOLDER"


def _start() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.server_process"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise SystemExit("The servers of the test run did not start; what they said is above.")
    os.environ.update(json.loads(line))
    # Last in, first out: the pipe ends, then the servers are waited for.
    atexit.register(process.wait, 30)
    atexit.register(process.stdin.close)


def wait_for_mlflow() -> str:
    """The URL of the run's MLflow server, started by the first test that asks."""
    url = os.environ["MLFLOW_TRACKING_URI"]
    (Path(os.environ[FOLDER]) / "want-mlflow").touch()
    deadline = time.monotonic() + 150
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2):
                return url
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise TimeoutError(f"MLflow did not answer at {url}.")


if "PYTEST_XDIST_WORKER" not in os.environ and FOLDER not in os.environ:
    _start()
if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    # Each worker has a Redis database of its own; 0 is the run's without workers.
    os.environ["REDIS_URL"] = (
        os.environ["REDIS_URL"].rsplit("/", 1)[0] + f"/{int(worker.removeprefix('gw')) + 1}"
    )
