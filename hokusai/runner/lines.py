"""Connections of a client to the children it asks: one per thread and path, kept."""

import os
import socket
import threading
from collections.abc import Mapping
from typing import Any, Final

from hokusai.runner import protocol

# An answer that left the child in time may arrive a little later.
GRACE_S: Final = 0.25
# Children that were replaced leave their connections behind.
MAX_KEPT: Final = 64
# What a child may answer: it runs foreign code, and must not make its callers hold any amount.
REPLY_FLOOR_BYTES: Final = 64 << 20
REPLY_FACTOR: Final = 64


class Lines:
    """Thread-safe and fork-safe."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._kept = threading.local()

    def exchange(
        self, path: str, header: Mapping[str, Any], block: memoryview | None, deadline_s: float
    ) -> protocol.Block:
        """The body of the reply of whoever answers at `path`.

        Raises TimeoutError, OSError or ProtocolError; the line must then be dropped.
        """
        connection, kept = self._connection(path)
        connection.settimeout(deadline_s + GRACE_S)
        limit = REPLY_FLOOR_BYTES + REPLY_FACTOR * (0 if block is None else block.nbytes)
        try:
            protocol.send(connection, header, block)
            body = protocol.receive(connection, limit)
        except (BrokenPipeError, ConnectionResetError):
            body = None
        if body is None and kept:
            # A kept connection may have ended while idle; a new one tells whether the child lives.
            self.drop(path)
            return self.exchange(path, header, block, deadline_s)
        if body is None:
            raise ConnectionResetError("closed without an answer")
        return body

    def drop(self, path: str) -> None:
        """Forget this thread's connection to `path`."""
        connection = self._connections().pop(path, None)
        if connection is not None:
            connection.close()

    def _connection(self, path: str) -> tuple[socket.socket, bool]:
        kept = self._connections()
        connection = kept.get(path)
        if connection is not None:
            return connection, True
        if len(kept) >= MAX_KEPT:
            self.drop(next(iter(kept)))
        kept[path] = connection = connect(path, self._timeout_s)
        return connection, False

    def _connections(self) -> dict[str, socket.socket]:
        # After a fork the parent's connections are shared: two processes would mix their answers.
        state = self._kept.__dict__
        if state.get("pid") != os.getpid():
            state["pid"], state["by_path"] = os.getpid(), {}
        connections: dict[str, socket.socket] = state["by_path"]
        return connections


def connect(path: str, timeout_s: float) -> socket.socket:
    """A new connection to `path`; OSError where nobody listens."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout_s)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection
