"""A client's connection as a child sees it: frames in parts, answers in parts, never blocking."""

import socket
from typing import Final

from hokusai.runner import protocol
from hokusai.runner.errors import ProtocolError

READ_BYTES: Final = 1 << 18


class Connection:
    """One client; it sends a frame only after it has the answer to the one before.

    `asked`: its frame is being worked on. `answered_ns`: when it was last answered, 0 before.
    `used_ns`: the same, or when it came. `stalled_ns`: since when the rest of an answer waits to be
    read, 0 where nothing waits.
    """

    __slots__ = (
        "_body",
        "_got",
        "_rest",
        "_start",
        "answered_ns",
        "asked",
        "socket",
        "stalled_ns",
        "used_ns",
    )

    def __init__(self, accepted: socket.socket, now_ns: int) -> None:
        accepted.setblocking(False)
        self.socket = accepted
        self.asked = False
        self.used_ns = now_ns
        self.answered_ns = 0
        self.stalled_ns = 0
        self._start = b""
        self._body: bytearray | None = None
        self._got = 0
        self._rest = memoryview(b"")

    def read(self) -> protocol.Block | None:
        """The body of a frame once it is whole, else None.

        Raises OSError where the client left, ProtocolError where it sent too much or too soon.
        """
        if self.asked:
            raise ProtocolError("A message came before the answer to the one before it.")
        if self._body is not None:
            self._got += _some(self.socket.recv_into(memoryview(self._body)[self._got :]))
            return self._whole()
        chunk = self.socket.recv(READ_BYTES)
        _some(len(chunk))
        if self._start:
            chunk = self._start + chunk
        if len(chunk) < protocol.LENGTH.size:
            self._start = chunk
            return None
        self._start = b""
        size = protocol.frame_size(chunk)
        body = memoryview(chunk)[protocol.LENGTH.size :]
        if len(body) == size:
            return body
        if len(body) > size:
            raise ProtocolError("A message was longer than it said.")
        self._begin(size, body)
        return None

    @property
    def idle(self) -> bool:
        """Whether nothing of a frame or of an answer is on its way."""
        return not (self.asked or self._start or self._body is not None or self._rest)

    def send(self, frame: bytes, now_ns: int) -> bool:
        """Send the answer to its frame; False where the client must read before the rest goes."""
        self.asked = False
        self.answered_ns = self.used_ns = now_ns
        sent = self._send(frame)
        if sent == len(frame):
            return True
        self._rest = memoryview(frame)[sent:]
        self.stalled_ns = now_ns
        return False

    def send_rest(self, now_ns: int) -> bool:
        """Send more of an answer; False where some is still left."""
        sent = self._send(self._rest)
        self._rest = self._rest[sent:]
        self.stalled_ns = now_ns if sent and self._rest else self.stalled_ns
        if self._rest:
            return False
        self.stalled_ns = 0
        return True

    def _send(self, raw: protocol.Block) -> int:
        try:
            return self.socket.send(raw)
        except BlockingIOError:
            return 0

    def _begin(self, size: int, part: memoryview) -> None:
        self._body = bytearray(size)
        self._body[: len(part)] = part
        self._got = len(part)

    def _whole(self) -> bytearray | None:
        body = self._body
        if body is None or self._got < len(body):
            return None
        self._body = None
        return body


def _some(count: int) -> int:
    if not count:
        raise ConnectionResetError("the client left")
    return count
