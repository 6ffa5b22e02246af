"""What a child tries at start. A tier is in force only where every attempt of it was stopped."""

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from hokusai.runner import protocol
from hokusai.runner.sandbox.floor import MAX_PROCESSES

ATTEMPTS: Final = ("read_file", "connect_tcp", "connect_unix", "write_file", "fork")
CHUNK_BYTES: Final = 8 << 20
HOLD_S: Final = 5.0


def attempt(data: socket.socket, targets: Mapping[str, Any]) -> None:
    """Try everything on `targets` and send `{attempt: was it stopped}`; with `allocate_bytes`,
    hold that much memory instead and send nothing.
    """
    if "allocate_bytes" in targets:
        held = [
            bytearray(b"x") * CHUNK_BYTES for _ in range(targets["allocate_bytes"] // CHUNK_BYTES)
        ]
        time.sleep(HOLD_S if held else 0)
        return
    trials: dict[str, Callable[[], object]] = {
        "read_file": lambda: Path(targets["file"]).read_bytes(),
        "connect_tcp": lambda: _connect(socket.AF_INET, ("127.0.0.1", targets["port"])),
        "connect_unix": lambda: _connect(socket.AF_UNIX, targets["socket"]),
        "write_file": lambda: Path(targets["folder"], f"child-{os.getpid()}").write_bytes(b"x"),
        "fork": _fork_past_the_limit,
    }
    data.sendall(protocol.encode({name: _stopped(trials[name]) for name in ATTEMPTS}))


def _stopped(trial: Callable[[], object]) -> bool:
    try:
        trial()
    except OSError:
        return True
    return False


def _connect(family: int, address: Any) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(0.5)
        connection.connect(address)


def _fork_past_the_limit() -> None:
    """Raises OSError when a fork is refused; ends what it started."""
    with contextlib.ExitStack() as started:
        for _ in range(MAX_PROCESSES + 1):
            pid = os.fork()
            if not pid:
                signal.pause()
                os._exit(0)
            started.callback(_reap, pid)


def _reap(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
