"""The servers of both sides, on one temporary folder, under the project's own supervisor."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg

from bench import cpu, peer_fill
from hokusai.embedded import roster
from hokusai.embedded.environment import Addresses, owner_environment, shared_environment
from hokusai.embedded.mlflow_server import answers_http
from hokusai.embedded.ports import LOOPBACK, any_free
from hokusai.embedded.programs import Program, minimal_environment
from hokusai.embedded.servers import EmbeddedServers

ROOT = Path(__file__).parents[1]
PEERS = ROOT / ".venv-bench"
BENTO = ROOT / ".venv-bento"
LOCKS = {PEERS: ROOT / "bench" / "peers.txt", BENTO: ROOT / "bench" / "bento.txt"}
# Settings of a developer's own shell must not reach the measured processes.
OURS = ("DATABASE_URL", "REDIS_URL", "MLFLOW_TRACKING_URI", "SECRET_KEY", "API_KEY_PEPPER")


@dataclass(frozen=True)
class Running:
    """Where everything answers, and what was filled in."""

    web_port: int
    mlflow_ports: Mapping[str, int]
    scoring_port: int
    bento_port: int
    secret: str
    model_id: str
    row: Mapping[str, float]
    prediction: int


def ensure_peers() -> None:
    """Install the peers' environments where they are missing or older than their locks."""
    for folder, lock in LOCKS.items():
        stamp = folder / ".installed"
        if not stamp.exists() or stamp.read_text() != lock.read_text():
            print(f"Installing the peers of {lock.name} …", flush=True)
            _install(folder, lock)
            stamp.write_text(lock.read_text())


def _install(folder: Path, lock: Path) -> None:
    uv, python = str(ROOT / ".venv" / "bin" / "uv"), folder / "bin" / "python"
    if not python.exists():
        subprocess.run([uv, "venv", "-q", "--python", "3.11", str(folder)], check=True)
    command = [uv, "pip", "sync", "-q", "--python", str(python), "--require-hashes", str(lock)]
    subprocess.run(command, check=True)


class Sides:
    """Starts and fills both sides with so many models, of fifty versions each."""

    def __init__(self, servers: EmbeddedServers, folder: Path, *, models: int) -> None:
        self.servers, self.folder, self.models = servers, folder, models
        self.supervisor = servers.supervisor
        self.web_port = any_free()
        self.addresses = Addresses(
            database_url=servers.database_url,
            owner_url=servers.owner_url,
            redis_url=servers.redis_url,
            tracking_uri="http://127.0.0.1:9",
            base_url=f"http://{LOOPBACK}:{self.web_port}",
        )
        for name in OURS:
            os.environ.pop(name, None)

    def start(self) -> Running:
        """Everything, filled and ready; slow starts overlap."""
        # The first MLflow creates the tables; the second must find them.
        ports = {"gunicorn": self._start_mlflow("gunicorn")}
        self._peer("bench/peer_model.py", str(self.folder))
        given = json.loads((self.folder / "row.json").read_text())
        filled = self._start_ours()
        self.supervisor.wait_ready("mlflow-gunicorn")
        ports["uvicorn"] = self._start_mlflow("uvicorn")
        scoring, bento = self._start_scoring(), self._start_bento()
        peer_fill.fill(self._mlflow_url(), models=self.models)
        self.gather_statistics()
        self.supervisor.wait_ready("mlflow-uvicorn", "scoring", "bento")
        return Running(self.web_port, ports, scoring, bento, **filled, **given)

    def pids_of_ours(self) -> list[int | None]:
        """Web, runner, Redis and PostgreSQL."""
        return [self.supervisor.pid(name) for name in ("web", "runner", "redis", "postgres")]

    def pids_of_registry(self) -> list[int | None]:
        """Web, Redis and PostgreSQL."""
        return [self.supervisor.pid(name) for name in ("web", "redis", "postgres")]

    def pids_of_mlflow(self) -> dict[str, list[int | None]]:
        """Each MLflow server, and PostgreSQL."""
        postgres = self.supervisor.pid("postgres")
        return {
            kind: [self.supervisor.pid(f"mlflow-{kind}"), postgres]
            for kind in ("gunicorn", "uvicorn")
        }

    def pids_of_scoring(self, name: str = "scoring") -> list[int | None]:
        """A peer that answers predictions; it uses no other server."""
        return [self.supervisor.pid(name)]

    def runner_socket(self) -> str:
        """Where the runner of our side answers."""
        environment = shared_environment(self.servers.folder, self.addresses)
        return str(environment["RUNNER_SOCKET"])

    def _migrate(self) -> None:
        self._manage("migrate", "--no-input", "-v0", as_owner=True)
        role = self.servers.database_url.split("//")[1].partition(":")[0]
        self._manage("grant_runtime", "--role", role, as_owner=True)

    def _start_ours(self) -> dict[str, str]:
        self._migrate()
        self.supervisor.start(roster.runner(self.servers.folder))
        self.supervisor.wait_ready("runner")
        fill = f"from bench import fill; fill.main({str(self.folder / 'model')!r}, {self.models})"
        filled = self._manage("shell", "--no-imports", "-c", fill, as_owner=False)
        self.supervisor.start(roster.web(self.servers.folder, self.addresses, port=self.web_port))
        self.supervisor.wait_ready("web")
        answer: dict[str, str] = json.loads(filled.splitlines()[-1])
        return answer

    def _start_mlflow(self, kind: str) -> int:
        port = any_free()
        own = {
            "MLFLOW_BACKEND_STORE_URI": self.servers.postgres.tracking_url,
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }
        options = ["--workers=2", "--no-serve-artifacts"]
        if kind == "gunicorn":
            # Threads keep connections open, which its default workers do not.
            options += ["--gunicorn-opts", "--log-level=warning --threads=4"]
        else:
            options += ["--uvicorn-opts", "--log-level=warning"]
        command = ("mlflow", "server", f"--host={LOOPBACK}", f"--port={port}", *options)
        self._start_peer(f"mlflow-{kind}", command, own, port, "/health")
        return port

    def _mlflow_url(self) -> str:
        return self.servers.postgres.tracking_url.replace("+psycopg", "")

    def gather_statistics(self) -> None:
        """What PostgreSQL does by itself a minute after a bulk load, for both databases."""
        for url in (self.servers.owner_url, self._mlflow_url()):
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")

    def inside(self, call: str, module: str = "inside") -> dict[str, Any]:
        """What a function of a module of bench measured, in a process of our side's own."""
        code = f"from bench import {module}; {module}.{call}"
        text = self._manage("shell", "--no-imports", "-c", code, as_owner=False)
        answer: dict[str, Any] = json.loads(text.splitlines()[-1])
        return answer

    def inside_small(self, call: str) -> dict[str, Any]:
        """As `inside`, in a database of its own that holds 1,000 versions."""
        name = "hokusai_small"
        with psycopg.connect(self.servers.owner_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        ours = self.addresses
        small = replace(
            ours,
            database_url=_other_database(ours.database_url, name),
            owner_url=_other_database(ours.owner_url, name),
        )
        self.addresses = small
        try:
            self._migrate()
            self.inside("fill_small()")
            with psycopg.connect(small.owner_url, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")
            return self.inside(call)
        finally:
            self.addresses = ours

    def workers_of(self, name: str) -> dict[int, float]:
        """CPU seconds so far of each process below a server."""
        return cpu.of_workers_s(self.supervisor.pid(name))

    def _start_scoring(self) -> int:
        port = any_free()
        command = (
            "mlflow",
            "models",
            "serve",
            f"--model-uri={self.folder / 'model'}",
            f"--host={LOOPBACK}",
            f"--port={port}",
            "--workers=1",
            "--env-manager=local",
        )
        self._start_peer("scoring", command, {}, port, "/ping")
        return port

    def _start_bento(self) -> int:
        port = any_free()
        own = {
            "BENTOML_HOME": str(self.folder / "bento"),
            "BENTOML_DO_NOT_TRACK": "True",
            "BENCH_MODEL": str(self.folder / "model"),
        }
        options = (f"--working-dir={ROOT / 'bench'}", f"--host={LOOPBACK}", f"--port={port}")
        command = ("bentoml", "serve", "bento_service:Digits", *options)
        self._start_peer("bento", command, own, port, "/readyz", installed=BENTO)
        return port

    def _start_peer(
        self,
        name: str,
        command: tuple[str, ...],
        own: dict[str, str],
        port: int,
        ready: str,
        *,
        installed: Path = PEERS,
    ) -> None:
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        environment = {
            **minimal_environment(home),
            **own,
            "PATH": f"{installed / 'bin'}:{os.environ['PATH']}",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
        }
        program = Program(
            name=name,
            command=(str(installed / "bin" / "python"), "-m", *command),
            environment=environment,
            is_ready=lambda: answers_http(port, ready),
            ready_within_s=120.0,
            cwd=home,
        )
        self.supervisor.start(program)

    def _peer(self, script: str, *arguments: str) -> None:
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        environment = minimal_environment(home) | {"MLFLOW_DISABLE_TELEMETRY": "true"}
        self._run([str(PEERS / "bin" / "python"), str(ROOT / script), *arguments], environment)

    def _manage(self, *arguments: str, as_owner: bool) -> str:
        make = owner_environment if as_owner else shared_environment
        environment = make(self.servers.folder, self.addresses)
        return self._run([str(ROOT / ".venv/bin/python"), "manage.py", *arguments], environment)

    def _run(self, command: list[str], environment: Mapping[str, Any]) -> str:
        done = subprocess.run(
            command, env=dict(environment), cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command[1:4])} failed:\n{done.stdout}\n{done.stderr}")
        return done.stdout


def _other_database(url: str, name: str) -> str:
    before, _, options = url.partition("?")
    return f"{before.rpartition('/')[0]}/{name}" + (f"?{options}" if options else "")


def remove(folder: Path) -> None:
    """Delete the folder of a run; files that the sandbox made read-only included."""
    shutil.rmtree(folder, ignore_errors=True)
