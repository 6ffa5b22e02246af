"""PostgreSQL, Redis and MLflow on one folder, as a context manager: for the stack and for tests.

with EmbeddedServers(folder, parts=("postgres", "redis")) as servers:
    connect(servers.database_url, servers.redis_url)
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from hokusai.embedded.errors import EmbeddedError
from hokusai.embedded.folder import DataFolder
from hokusai.embedded.mlflow_server import Mlflow
from hokusai.embedded.ports import preferred
from hokusai.embedded.postgres import Postgres
from hokusai.embedded.redis_server import Redis
from hokusai.embedded.supervisor import RestartPolicy, Supervisor

PARTS = ("postgres", "redis", "mlflow")
PORTS = "ports"
# What others lean on ends last.
END_ORDER = ("mlflow", "redis", "postgres")


class EmbeddedServers:
    """The servers of one folder. Ports are remembered in the folder, so that a restart keeps every
    URL."""

    def __init__(
        self,
        folder: Path,
        parts: Sequence[str] = PARTS,
        *,
        durable: bool = False,
        ports: Mapping[str, int] | None = None,
        policy: RestartPolicy | None = None,
    ) -> None:
        """Choose what `__enter__` starts; others can be started later. Without `durable` fsync is
        off.

        Raises:
            EmbeddedError: an unknown part.
        """
        unknown = set(parts) - set(PARTS)
        if unknown:
            raise EmbeddedError(f"Unknown parts: {', '.join(sorted(unknown))}.")
        self.folder = DataFolder(folder)
        self._parts = tuple(part for part in PARTS if part in parts)
        self._durable = durable
        self._wishes = dict(ports or {})
        self._policy = policy
        self._supervisor: Supervisor | None = None
        self._servers: dict[str, Postgres | Redis | Mlflow] = {}

    def __enter__(self) -> Self:
        """Take the folder and start the parts; wait until all are ready."""
        self.open()
        try:
            for part in self._parts:
                self.start(part, wait=False)
            for part in self._parts:
                self.wait_ready(part)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End everything that was started."""
        self.close()

    def open(self) -> None:
        """Take the folder without starting a server.

        Raises:
            AlreadyRunning: another process holds it.
        """
        self.folder.lock()
        self._supervisor = Supervisor(self.folder, self._policy)

    def close(self) -> None:
        """End everything, clients before the servers that they use, and let the folder go."""
        if self._supervisor:
            self._supervisor.stop_all(last=END_ORDER)
            self._supervisor.close()
            self._supervisor = None
        self.folder.unlock()

    @property
    def supervisor(self) -> Supervisor:
        """Return the supervisor of the open folder.

        Raises:
            EmbeddedError: the servers are not open.
        """
        if self._supervisor is None:
            raise EmbeddedError("The servers are not open.")
        return self._supervisor

    def wish_ports(self, ports: Mapping[str, int]) -> None:
        """Prefer these ports for servers that were not started yet."""
        self._wishes.update(ports)

    def start(self, part: str, *, wait: bool = True) -> None:
        """Start one part, with what it needs, on the port and data that it had before."""
        supervisor = self.supervisor
        if part == "mlflow":
            self.start("postgres")
        supervisor.start(self._server(part).program())
        if wait:
            self.wait_ready(part)

    def wait_ready(self, part: str) -> None:
        """Wait until a started part answers."""
        self.supervisor.wait_ready(part)
        self._server(part).after_ready()

    def stop(self, part: str) -> None:
        """End one part; its data stay."""
        self.supervisor.stop(part)

    @property
    def postgres(self) -> Postgres:
        """Return the PostgreSQL server, running or not."""
        if not isinstance(found := self._servers.get("postgres"), Postgres):
            port = self._port("postgres")
            found = self._servers["postgres"] = Postgres(self.folder, port, durable=self._durable)
        return found

    @property
    def redis(self) -> Redis:
        """Return the Redis server, running or not."""
        if not isinstance(found := self._servers.get("redis"), Redis):
            found = self._servers["redis"] = Redis(self.folder, self._port("redis"))
        return found

    @property
    def mlflow(self) -> Mlflow:
        """Return the MLflow server, running or not."""
        if not isinstance(found := self._servers.get("mlflow"), Mlflow):
            found = self._servers["mlflow"] = Mlflow(
                self.folder, self._port("mlflow"), backend_url=self.postgres.tracking_url
            )
        return found

    @property
    def database_url(self) -> str:
        """Return PostgreSQL's URL for the runtime role."""
        return self.postgres.database_url

    @property
    def owner_url(self) -> str:
        """Return PostgreSQL's URL for the owner role."""
        return self.postgres.owner_url

    @property
    def redis_url(self) -> str:
        """Return Redis's URL."""
        return self.redis.redis_url

    @property
    def mlflow_url(self) -> str:
        """Return MLflow's tracking URI."""
        return self.mlflow.mlflow_url

    def _server(self, part: str) -> Postgres | Redis | Mlflow:
        if part == "postgres":
            return self.postgres
        return self.redis if part == "redis" else self.mlflow

    def _port(self, part: str) -> int:
        """Return the wished port, else the remembered one, else a free one; and remember it."""
        remembered: dict[str, int] = self.folder.recall(PORTS) or {}
        port = preferred([self._wishes.get(part), remembered.get(part)])
        self.folder.remember(PORTS, {**remembered, part: port})
        return port
