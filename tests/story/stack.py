"""A stack of its own for the story and the drills: every process real, on free ports."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from hokusai.embedded.environment import stack_variables
from hokusai.embedded.stack import Stack
from tests.programs import python

ROOT = Path(__file__).resolve().parents[2]
# What the suite's own servers put into the environment names nothing of this stack.
SUITE = ("DATABASE_URL", "REDIS_URL", "MLFLOW_TRACKING_URI", "DATABASE_OWNER_URL", "TEST_TEMPLATE")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class Running:
    """A stack that runs, and ways to look into it."""

    stack: Stack

    @property
    def base_url(self) -> str:
        return self.stack.addresses.base_url

    @property
    def tracking_uri(self) -> str:
        return self.stack.addresses.tracking_uri

    def manage(self, *arguments: str, measured: bool = False) -> subprocess.CompletedProcess[str]:
        """A management command with the stack's environment; `measured` for coverage."""
        environment = {
            **{name: value for name, value in os.environ.items() if name not in SUITE},
            **stack_variables(self.stack.folder, self.stack.addresses),
        }
        command = ["manage.py", *arguments]
        return subprocess.run(
            python(*command) if measured else [sys.executable, *command],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )

    def python(self, code: str) -> Any:
        """The JSON that a piece of code prints last, run by `manage.py shell`."""
        done = self.manage("shell", "--no-imports", "-c", code)
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout.strip().splitlines()[-1])

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Rows of the stack's database."""
        with psycopg.connect(self.stack.addresses.owner_url) as connection:
            return connection.execute(query, parameters).fetchall()

    def kill(self, name: str) -> None:
        """End a part at once, with all that it started; the supervisor starts it again."""
        pid = self.stack.servers.supervisor.pid(name)
        assert pid is not None
        os.killpg(pid, 9)

    def watch(self, until: Callable[[], bool], what: str, seconds: float = 120) -> None:
        """Keep the supervisor at work until something holds."""
        deadline = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < deadline, f"waited {seconds} s in vain: {what}"
            self.stack.servers.supervisor.tick()
            time.sleep(0.2)


@contextmanager
def running_stack(folder: Path) -> Iterator[Running]:
    """A stack on an empty folder, with short leases so that drills do not take minutes."""
    environ = {
        "HOKUSAI_WEB_PORT": str(free_port()),
        "HOKUSAI_MLFLOW_PORT": str(free_port()),
        "HOKUSAI_POSTGRES_PORT": str(free_port()),
        "HOKUSAI_REDIS_PORT": str(free_port()),
    }
    lines: list[str] = []
    with Stack(folder, environ, dotenv=folder / "absent", say=lines.append) as stack:
        stack.start()
        yield Running(stack)
