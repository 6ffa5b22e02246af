"""A pytest plugin: one PostgreSQL, one Redis and, when a test asks, one MLflow for the whole run.

The process that starts the run starts them on a folder that it deletes; pytest's workers inherit
the addresses. Named servers win, as everywhere: set DATABASE_URL, REDIS_URL, MLFLOW_TRACKING_URI.
"""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import psycopg

from hokusai.embedded.servers import EmbeddedServers

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = "hokusai_template"
FOLDER = "HOKUSAI_TEST_FOLDER"


def _start() -> None:
    folder = Path(tempfile.mkdtemp(prefix="hokusai-tests-"))
    folder.chmod(0o700)
    servers = EmbeddedServers(folder / "servers", parts=("postgres", "redis"))
    servers.__enter__()
    atexit.register(shutil.rmtree, folder, True)
    atexit.register(servers.close)
    os.environ.update(
        {
            FOLDER: str(folder),
            "DATABASE_URL": servers.owner_url,
            "TEST_RUNTIME_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "MLFLOW_TRACKING_URI": servers.mlflow_url,
            "HOKUSAI_DATA_DIR": str(folder / "data"),
            "DJANGO_ALLOW_ASYNC_UNSAFE": "true",
        }
    )
    _make_template(servers.owner_url)
    threading.Thread(target=_start_mlflow_when_asked, args=(servers, folder), daemon=True).start()


def _make_template(owner_url: str) -> None:
    """A migrated database that each worker clones in a fraction of a second."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
    url = owner_url.rsplit("/", 1)[0] + f"/{TEMPLATE}"
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v0"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "hokusai.settings.test"},
        check=True,
    )
    os.environ["TEST_TEMPLATE"] = TEMPLATE


def _start_mlflow_when_asked(servers: EmbeddedServers, folder: Path) -> None:
    while not (folder / "want-mlflow").exists():
        time.sleep(0.2)
    servers.start("mlflow", wait=False)
    # The servers end with the thread that started them.
    threading.Event().wait()


def wait_for_mlflow() -> str:
    """The URL of the run's MLflow server, started by the first test that asks."""
    url = os.environ["MLFLOW_TRACKING_URI"]
    (Path(os.environ[FOLDER]) / "want-mlflow").touch()
    deadline = time.monotonic() + 90
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
