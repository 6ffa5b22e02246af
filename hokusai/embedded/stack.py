"""The whole of Hokusai on one machine: servers, migrations, and its own processes under one
supervisor."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from hokusai.embedded import roster
from hokusai.embedded.environment import (
    OUTSIDE,
    OWNER_URL,
    Addresses,
    outside_parts,
    stack_variables,
)
from hokusai.embedded.errors import ProgramFailed
from hokusai.embedded.ports import LOOPBACK, demanded, preferred, require_free
from hokusai.embedded.servers import EmbeddedServers
from hokusai.embedded.supervisor import TICK_S

WEB_PORT = 8000
STORE_PORT = 8001
MLFLOW_PORT = 5000
POSTGRES_PORT = 54_329
REDIS_PORT = 63_799
RUNNING_ENVIRONMENT = "environment"
TITLES = {
    "postgres": "PostgreSQL",
    "redis": "Redis",
    "mlflow": "MLflow",
    "runner": "Model runner",
    "store": "Store",
    "web": "Web",
    "worker": "Worker",
    "signer": "Signing worker",
    "beat": "Schedule",
}


class Stack:
    """Everything that `up` starts. Parts that the environment or `.env` names are left to
    others."""

    def __init__(
        self,
        folder: Path,
        environ: Mapping[str, str],
        *,
        dotenv: Path,
        say: Callable[[str], None],
    ) -> None:
        """Read what is given from outside; nothing starts yet."""
        self._outside = outside_parts(environ, dotenv)
        self._environ = environ
        self._say = say
        self._stop_requested = False
        self._opened = False
        self.parts = tuple(part for part, name in OUTSIDE.items() if name not in self._outside)
        self.servers = EmbeddedServers(folder, self.parts, durable=True)
        self.folder = self.servers.folder
        self.web_port, self.store_port = WEB_PORT, STORE_PORT

    def __enter__(self) -> Self:
        """Take the folder; `start` does the rest.

        Raises:
            AlreadyRunning: a stack runs on this folder.
        """
        self.servers.open()
        self._opened = True
        if self._stop_requested:
            self.servers.supervisor.request_stop()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End everything; what is from outside is left alone."""
        self._opened = False
        self.folder.remember(RUNNING_ENVIRONMENT, None)
        self.servers.close()

    def request_stop(self) -> None:
        """Make the next safe point raise `StopRequested`; safe inside a signal handler."""
        self._stop_requested = True
        if self._opened:
            self.servers.supervisor.request_stop()

    def start(self) -> None:
        """Start servers, migrate, start the processes, and wait until all are ready.

        Raises:
            PortTaken: a port with a fixed number belongs to somebody else.
            ProgramFailed: a part did not start.
            StopRequested: somebody asked for the end meanwhile.
        """
        self._choose_ports()
        waiting = [part for part in self.parts if part != "mlflow"]
        for part in self.parts:
            self.servers.start(part, wait=False)
        for part in waiting:
            self._await(part)
        self._migrate()
        programs = roster.supervised(self.folder, self.addresses, web_port=self.web_port)
        for program in programs:
            self.servers.supervisor.start(program)
        for name in (*(program.name for program in programs), *self.parts[len(waiting) :]):
            self._await(name)
        variables = stack_variables(self.folder, self.addresses)
        self.folder.remember(
            RUNNING_ENVIRONMENT, {**variables, OWNER_URL: self.addresses.owner_url}
        )

    def story(self, *arguments: str) -> int:
        """Run `manage.py demo` on the running stack, its output to the terminal; return its
        status."""
        program = roster.manage(self.folder, self.addresses, "demo", *arguments)
        return self.servers.supervisor.run(program, to_terminal=True)

    def hold(self) -> None:
        """Watch over everything until somebody asks for the end, which raises `StopRequested`."""
        while True:
            self.servers.supervisor.tick()
            time.sleep(TICK_S)

    @property
    def addresses(self) -> Addresses:
        """Return where the parts are found, ours or others'."""
        given = self._outside
        database_url = given.get("DATABASE_URL") or self.servers.database_url
        ours = "postgres" in self.parts
        return Addresses(
            database_url=database_url,
            owner_url=self.servers.owner_url if ours else given.get(OWNER_URL) or database_url,
            redis_url=given.get("REDIS_URL") or self.servers.redis_url,
            tracking_uri=given.get("MLFLOW_TRACKING_URI") or self.servers.mlflow_url,
            base_url=f"http://{LOOPBACK}:{self.web_port}",
            store_url=f"http://{LOOPBACK}:{self.store_port}",
        )

    def _choose_ports(self) -> None:
        """Web and MLflow are for people, so their numbers stay; the others move when taken."""
        self.web_port = self._fixed_port("HOKUSAI_WEB_PORT", WEB_PORT)
        wished = demanded("HOKUSAI_STORE_PORT", self._environ)
        self.store_port = wished or preferred([STORE_PORT])
        wishes = {
            "postgres": demanded("HOKUSAI_POSTGRES_PORT", self._environ) or POSTGRES_PORT,
            "redis": demanded("HOKUSAI_REDIS_PORT", self._environ) or REDIS_PORT,
        }
        if "mlflow" in self.parts:
            wishes["mlflow"] = self._fixed_port("HOKUSAI_MLFLOW_PORT", MLFLOW_PORT)
        self.servers.wish_ports(wishes)

    def _fixed_port(self, variable: str, default: int) -> int:
        return demanded(variable, self._environ) or require_free(default, variable)

    def _migrate(self) -> None:
        """Bring the tables up to date as their owner, and let the runtime role use them."""
        self._run("Migrations", "migrate", "--no-input")
        role = urlsplit(self.addresses.database_url).username
        if role and role != urlsplit(self.addresses.owner_url).username:
            self._run("Rights", "grant_runtime", "--role", role)

    def _run(self, title: str, *arguments: str) -> None:
        program = roster.manage(self.folder, self.addresses, *arguments, as_owner=True)
        began = time.monotonic()
        status = self.servers.supervisor.run(program, to_terminal=False)
        if status != 0:
            tail = self.folder.log_tail(program.name)
            raise ProgramFailed(f"manage.py {arguments[0]}", f"ended with status {status}", tail)
        self._report(title, "done", began)

    def _await(self, name: str) -> None:
        began = time.monotonic()
        if name in self.parts:
            self.servers.wait_ready(name)
        else:
            self.servers.supervisor.wait_ready(name)
        self._report(TITLES[name], "ready", began)

    def _report(self, title: str, state: str, began: float) -> None:
        self._say(f"  {title:<15} {state:<6} {time.monotonic() - began:5.1f} s")
