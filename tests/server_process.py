"""The servers of one test run, in a process of their own, until its standard input ends.

Prints one line of JSON, the environment of the run, once PostgreSQL and Redis are ready and a
migrated template database is there. Starts MLflow when the file `want-mlflow` appears.
"""

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg

from hokusai.embedded.errors import ProgramFailed
from hokusai.embedded.servers import EmbeddedServers

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = "hokusai_template"
WANT_MLFLOW = "want-mlflow"
PAUSE_S = 0.2


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="hokusai-tests-"))
    folder.chmod(0o700)
    try:
        with EmbeddedServers(folder / "servers", parts=("postgres", "redis")) as servers:
            environment = environment_of(servers, folder)
            make_template(servers.owner_url, environment)
            sys.stdout.write(json.dumps(environment) + "\n")
            sys.stdout.flush()
            serve(servers, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def environment_of(servers: EmbeddedServers, folder: Path) -> dict[str, str]:
    """What the run's processes are told."""
    return {
        "HOKUSAI_TEST_FOLDER": str(folder),
        "DATABASE_URL": servers.owner_url,
        "TEST_RUNTIME_URL": servers.database_url,
        "TEST_TEMPLATE": TEMPLATE,
        "REDIS_URL": servers.redis_url,
        "MLFLOW_TRACKING_URI": servers.mlflow_url,
        "HOKUSAI_DATA_DIR": str(folder / "data"),
        "DJANGO_ALLOW_ASYNC_UNSAFE": "true",
    }


def make_template(owner_url: str, environment: dict[str, str]) -> None:
    """A migrated database that each worker clones in a fraction of a second."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
    url = owner_url.rsplit("/", 1)[0] + f"/{TEMPLATE}"
    settings = {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "hokusai.settings.test"}
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v0"],
        cwd=ROOT,
        env={**os.environ, **environment, **settings},
        stdout=sys.stderr,
        check=True,
    )


def serve(servers: EmbeddedServers, folder: Path) -> None:
    """Keep the servers until whoever asked for them is gone, however it ended."""
    started = False
    while True:
        if not started and (folder / WANT_MLFLOW).exists():
            servers.start("mlflow", wait=False)
            started = True
        restart_what_died(servers)
        ready, _, _ = select.select([sys.stdin], [], [], PAUSE_S)
        if ready and not sys.stdin.read(1):
            return


def restart_what_died(servers: EmbeddedServers) -> None:
    """A server that keeps dying fails the tests that need it, with its log; the others go on."""
    try:
        servers.supervisor.tick()
    except ProgramFailed as error:
        sys.stderr.write(f"{error}\n")


if __name__ == "__main__":
    main()
