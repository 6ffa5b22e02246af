"""Listening sockets of served keys, and what callers hear at a door behind which nobody answers.

Main keeps each of them open for as long as its key is served, so that no connection is lost while
no child lives. A child inherits it; it is non-blocking because main and children share its flags.
"""

import hashlib
import logging
import select
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from hokusai.runner import protocol
from hokusai.runner.errors import ProtocolError, RunnerError, to_wire

LOG: Final = logging.getLogger("hokusai.runner")
BACKLOG: Final = 128
NAME_DIGITS: Final = 12
PATTERN: Final = f"s{'[0-9a-f]' * NAME_DIGITS}.sock"
# How long a caller may take over its question before it is cut off; nothing depends on it.
HEARING_S: Final = 2.0
CALLERS_AT_ONCE: Final = 16
CHUNK_BYTES: Final = 1 << 16


def path_of(folder: Path, key: str) -> Path:
    """Where `key` is served: always the same path. Short, because the system allows 107 bytes."""
    return folder / f"s{hashlib.sha256(key.encode()).hexdigest()[:NAME_DIGITS]}.sock"


def open_door(path: Path) -> socket.socket:
    """A listening socket at `path`, for this user alone; what was there before is replaced."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(fresh))
        # The folder is 0700 already; the mode also holds if someone opens it.
        fresh.chmod(0o600)
        listener.listen(BACKLOG)
        listener.setblocking(False)
        fresh.rename(path)
    except OSError:
        listener.close()
        raise
    return listener


def sound(listener: socket.socket) -> bool:
    """False where a child shut it down, which ends it for everyone who shares it."""
    poll = select.poll()
    poll.register(listener, select.POLLRDHUP)
    return not poll.poll(0)


class Refusals:
    """Answers callers with an error, while nobody else can."""

    def __init__(self) -> None:
        self._callers = ThreadPoolExecutor(CALLERS_AT_ONCE, thread_name_prefix="refusals")

    def answer(self, listener: socket.socket, error: RunnerError) -> None:
        """Everyone who waits at `listener` hears `error`, once their question is read."""
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                # Nobody is left, or the listener was closed meanwhile.
                return
            self._callers.submit(turn_away, caller, error)

    def close(self) -> None:
        """Leave the rest unanswered."""
        self._callers.shutdown(wait=False, cancel_futures=True)


def turn_away(caller: socket.socket, error: RunnerError) -> None:
    """Read one question, answer `error`, hang up.

    The question is read to its end, or a caller still sending would hear of a broken pipe only.
    """
    with caller:
        caller.settimeout(HEARING_S)
        try:
            _drop_frame(caller)
            caller.sendall(protocol.encode({"error": to_wire(error)}))
        except (OSError, ProtocolError) as failed:
            LOG.info("a caller went away: %s", failed)


def _drop_frame(caller: socket.socket) -> None:
    head = b""
    while len(head) < protocol.LENGTH.size:
        head += _some(caller, protocol.LENGTH.size - len(head))
    left = protocol.frame_size(head)
    while left:
        left -= len(_some(caller, min(left, CHUNK_BYTES)))


def _some(caller: socket.socket, size: int) -> bytes:
    data = caller.recv(size)
    if not data:
        raise ProtocolError("The connection ended inside a message.")
    return data
