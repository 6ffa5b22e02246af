"""What a supervised program is: a command, its whole environment, and how to tell that it is
ready."""

import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[2]
NO_PROXY = "127.0.0.1,localhost,::1"


def ready_at_once() -> bool:
    """Tell a program without a sign of readiness ready."""
    return True


def nothing_to_prepare() -> None:
    """Prepare nothing before a start."""


@dataclass(frozen=True)
class Program:
    """One program under supervision.

    `environment` is complete, nothing is inherited. A program is ready when this run's log contains
    `ready_text` and `is_ready` agrees. `prepare` runs before every start, also before a restart.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    is_ready: Callable[[], bool] = ready_at_once
    ready_text: str = ""
    prepare: Callable[[], None] = nothing_to_prepare
    stop_signal: int = signal.SIGTERM
    ready_within_s: float = 90.0
    cwd: Path = PROJECT_ROOT


def python_module(module: str, *arguments: str) -> tuple[str, ...]:
    """Return the command that runs a module with this interpreter."""
    return (sys.executable, "-m", module, *arguments)


def minimal_environment(home: Path) -> dict[str, str]:
    """Return an environment without anything of the caller's but paths and language; no secret can
    be in it."""
    kept = {
        name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ") if name in os.environ
    }
    return {"PYTHONUNBUFFERED": "1", **kept, "HOME": str(home), **loopback_without_proxy({})}


def loopback_without_proxy(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that keep loopback traffic away from a proxy, in both spellings."""
    listed = environ.get("NO_PROXY") or environ.get("no_proxy")
    value = f"{listed},{NO_PROXY}" if listed else NO_PROXY
    return {"NO_PROXY": value, "no_proxy": value}
