"""Hokusai's own processes: command, environment and sign of readiness of each."""

import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

from hokusai.embedded.environment import (
    Addresses,
    owner_environment,
    runner_socket,
    shared_environment,
    signer_environment,
    store_environment,
    training_recipes,
)
from hokusai.embedded.folder import DataFolder
from hokusai.embedded.mlflow_server import answers_http
from hokusai.embedded.ports import LOOPBACK
from hokusai.embedded.programs import PROJECT_ROOT, Program, minimal_environment, python_module

CELERY_APP = "--app=hokusai.celery"
SIGNING_QUEUE = "signing"
WORKER_QUEUES = ("default",)
# Of each web process: so many requests can wait for slow models before pages wait too. With more,
# threads fight for the interpreter, and some of 64 callers are answered much later than most.
WEB_THREADS = 8


def supervised(folder: DataFolder, addresses: Addresses, *, web_port: int) -> list[Program]:
    """Return the processes that stay up, in the order of their start."""
    return [
        runner(folder),
        *([store(folder, addresses)] if addresses.store_url else []),
        web(folder, addresses, port=web_port),
        worker(folder, addresses),
        signer(folder, addresses),
        beat(folder, addresses),
    ]


def runner(folder: DataFolder) -> Program:
    """Return the process that runs models; its environment holds no secret."""
    path = runner_socket(folder)
    command = python_module(
        "hokusai.runner",
        f"--socket={path}",
        f"--store={folder.root / 'store'}",
        f"--recipes={training_recipes()}",
        "--allow-tier-c",
    )
    return Program(
        name="runner",
        command=command,
        environment=minimal_environment(folder.root / "home"),
        is_ready=lambda: accepts_unix(PROJECT_ROOT / path),
        prepare=lambda: (PROJECT_ROOT / path).unlink(missing_ok=True),
    )


def store(folder: DataFolder, addresses: Addresses) -> Program:
    """Return the process that answers signed links to the content store."""
    port = urlsplit(addresses.store_url).port or 0
    command = python_module(
        "granian",
        "--interface=asgi",
        f"--host={LOOPBACK}",
        f"--port={port}",
        "--workers=1",
        "--respawn-failed-workers",
        "--workers-kill-timeout=5",
        "--factory",
        "hokusai.storehouse.server:from_environment",
    )
    return Program(
        name="store",
        command=command,
        environment=store_environment(folder, addresses),
        is_ready=lambda: answers_http(port, "/"),
    )


def web(folder: DataFolder, addresses: Addresses, *, port: int) -> Program:
    """Return the web server."""
    command = python_module(
        "granian",
        "--interface=wsgi",
        f"--host={LOOPBACK}",
        f"--port={port}",
        "--workers=2",
        f"--blocking-threads={WEB_THREADS}",
        "--respawn-failed-workers",
        "--workers-kill-timeout=5",
        "hokusai.wsgi:application",
    )
    return Program(
        name="web",
        command=command,
        environment=shared_environment(folder, addresses),
        is_ready=lambda: answers_http(port, "/api/v1/health/live"),
    )


def worker(folder: DataFolder, addresses: Addresses) -> Program:
    """Return the worker for everything but signing."""
    return Program(
        name="worker",
        command=_celery_worker("worker", queues=",".join(WORKER_QUEUES), concurrency=2),
        environment=shared_environment(folder, addresses),
        ready_text=" ready.",
    )


def signer(folder: DataFolder, addresses: Addresses) -> Program:
    """Return the worker that signs and does nothing else."""
    return Program(
        name="signer",
        command=_celery_worker("signer", queues=SIGNING_QUEUE, concurrency=1),
        environment=signer_environment(folder, addresses),
        ready_text=" ready.",
    )


def beat(folder: DataFolder, addresses: Addresses) -> Program:
    """Return the schedule."""
    command = python_module(
        "celery",
        CELERY_APP,
        "beat",
        "--loglevel=INFO",
        "--scheduler=django_celery_beat.schedulers:DatabaseScheduler",
    )
    environment = shared_environment(folder, addresses)
    return Program(name="beat", command=command, environment=environment, ready_text="beat: ")


def manage(
    folder: DataFolder, addresses: Addresses, *arguments: str, as_owner: bool = False
) -> Program:
    """Return a management command, run as the runtime role or as the owner of the tables."""
    environment = owner_environment if as_owner else shared_environment
    return Program(
        name=f"manage-{arguments[0]}",
        command=(sys.executable, "manage.py", *arguments),
        environment=environment(folder, addresses),
    )


def _celery_worker(name: str, *, queues: str, concurrency: int) -> tuple[str, ...]:
    return python_module(
        "celery",
        CELERY_APP,
        "worker",
        f"--queues={queues}",
        f"--concurrency={concurrency}",
        f"--hostname={name}@%h",
        "--loglevel=INFO",
        "--without-gossip",
        "--without-mingle",
    )


def accepts_unix(path: Path) -> bool:
    """Say whether a server accepts connections on a Unix socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        return probe.connect_ex(str(path)) == 0
