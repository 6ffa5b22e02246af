"""Choosing loopback ports, and saying who holds a taken one."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

from hokusai.embedded.errors import EmbeddedError, PortTaken

LOOPBACK = "127.0.0.1"
PORT_MAX = 65_535
LISTENING = "0A"


def is_free(port: int) -> bool:
    """Say whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return not accepts(port)


def accepts(port: int) -> bool:
    """Say whether something answers on this loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def any_free() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def preferred(ports: list[int | None]) -> int:
    """Return the first free port of a list of wishes, else any free one."""
    return next((port for port in ports if port and is_free(port)), None) or any_free()


def demanded(variable: str, environ: Mapping[str, str]) -> int | None:
    """Return the port that a variable asks for, None if it is not set.

    Raises:
        EmbeddedError: the variable does not hold a port.
        PortTaken: somebody else listens there.
    """
    text = environ.get(variable)
    if not text:
        return None
    if not text.isdigit() or not 0 < int(text) <= PORT_MAX:
        raise EmbeddedError(f"{variable} must be a port from 1 to {PORT_MAX}, not {text!r}.")
    return require_free(int(text), variable)


def require_free(port: int, variable: str) -> int:
    """Return the port.

    Raises:
        PortTaken: somebody else listens there.
    """
    if not is_free(port):
        raise PortTaken(port=port, holder=holder_of(port), variable=variable)
    return port


def holder_of(port: int) -> str:
    """Return `process 123 (name)` for the listener on a port, empty if it cannot be found."""
    pid = _holder_from_proc(port) or _holder_from_lsof(port)
    if pid is None:
        return ""
    name = subprocess.run(
        ["ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return f"process {pid} ({name})" if name else f"process {pid}"


def _holder_from_proc(port: int) -> int | None:
    """Find the socket's inode in /proc/net and the process that has it open."""
    links = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    if not links:
        return None
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(descriptor) in links:
                return int(descriptor.parts[2])
        except OSError:
            continue
    return None


def _listening_inodes(port: int) -> list[str]:
    suffix = f":{port:04X}"
    inodes = []
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        rows = table.read_text("ascii").splitlines()[1:] if table.exists() else []
        cells = (row.split() for row in rows)
        inodes += [cell[9] for cell in cells if cell[1].endswith(suffix) and cell[3] == LISTENING]
    return inodes


def _holder_from_lsof(port: int) -> int | None:
    if shutil.which("lsof") is None:
        return None
    found = subprocess.run(
        ["lsof", "-nP", "-t", f"-iTCP:{port}", "-sTCP:LISTEN"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    match = re.match(r"\d+", found)
    return int(match.group()) if match else None
