"""The life of a child: settle on the floor, load the model, answer."""

import os
import select
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hokusai.runner import fitting, probe, protocol
from hokusai.runner.answering import Answerer, describe
from hokusai.runner.errors import ProtocolError, RunnerError, to_wire
from hokusai.runner.foreign import ForeignCode
from hokusai.runner.loaders import LoadedModel, load
from hokusai.runner.mlmodel import ModelFormat
from hokusai.runner.sandbox import floor
from hokusai.runner.sandbox.plan import Plan
from hokusai.runner.stamp import Stamp

READ_BYTES: Final = 1 << 18
SEND_TIMEOUT_S: Final = 10


@dataclass(frozen=True, slots=True)
class Handles:
    """Descriptors that main gave the child: `data` to main, `stamp`, `listener` to clients.

    `guard` is its guard's own: a pipe that ends when the guard does.
    """

    data: int
    stamp: int
    guard: int
    listener: int | None = None

    def kept(self) -> list[int]:
        """All that stay open while the child settles."""
        every = (self.data, self.stamp, self.guard, self.listener)
        return [handle for handle in every if handle is not None]


def live(plan: Plan, handles: Handles) -> None:
    """Everything a child does; returns when there is nothing more to answer."""
    floor.close_other_descriptors(handles.kept())
    with socket.socket(fileno=handles.data) as data:
        try:
            tree = floor.settle(plan)
        except OSError as error:
            _refuse(data, RunnerError(f"The isolation could not be set up: {error.strerror}"))
            return
        if _orphaned(handles.guard):
            return
        if plan.purpose == "probe":
            probe.attempt(data, plan.probe)
            return
        if plan.purpose == "train":
            fitting.answer(data, plan)
            return
        try:
            with ForeignCode("load"):
                model = load(Path(tree), ModelFormat(plan.format))
        except RunnerError as error:
            _refuse(data, error)
            return
        stamp = Stamp(handles.stamp)
        answerer = Answerer(model, stamp, tier=plan.tier, model_format=plan.format)
        if handles.listener is None:
            _answer_once(data, answerer)
        else:
            data.sendall(protocol.encode(_introduction(model)))
            with socket.socket(fileno=handles.listener) as listener:
                _Service(data, listener, answerer).run()


def _orphaned(guard: int) -> bool:
    """Whether the guard ended before this child could ask to end with it."""
    ended = bool(select.select([guard], [], [], 0)[0])
    os.close(guard)
    return ended


def _introduction(model: LoadedModel) -> dict[str, object]:
    return describe(model.shape) | {"inputs": model.reader.names or ()}


def _refuse(data: socket.socket, error: RunnerError) -> None:
    data.sendall(protocol.encode({"error": to_wire(error)}))


def _answer_once(data: socket.socket, answerer: Answerer) -> None:
    body = protocol.receive(data)
    if body is not None:
        data.sendall(answerer.answer(body))


class _Connection:
    """One client; it sends a frame only after it has the answer to the one before."""

    def __init__(self, accepted: socket.socket) -> None:
        self.socket = accepted
        self._start = b""
        self._body: bytearray | None = None
        self._got = 0

    def read(self) -> protocol.Block | None:
        """The body of a frame once it is whole, else None.

        Raises OSError where the client left, ProtocolError where it sent too much.
        """
        if self._body is not None:
            self._got += self._some(self.socket.recv_into(memoryview(self._body)[self._got :]))
        else:
            chunk = self._start + self.socket.recv(READ_BYTES)
            self._some(len(chunk) - len(self._start))
            self._start = chunk
            if len(chunk) < protocol.LENGTH.size:
                return None
            size = protocol.frame_size(chunk)
            self._start, body = b"", memoryview(chunk)[protocol.LENGTH.size :]
            if len(body) == size:
                return body
            self._begin(size, body)
        return self._whole()

    def _begin(self, size: int, part: memoryview) -> None:
        if len(part) > size:
            raise ProtocolError("A message was longer than it said.")
        self._body = bytearray(size)
        self._body[: len(part)] = part
        self._got = len(part)

    def _whole(self) -> bytearray | None:
        body = self._body
        if body is None or self._got < len(body):
            return None
        self._body = None
        return body

    def _some(self, count: int) -> int:
        if not count:
            raise ConnectionResetError("the client left")
        return count


class _Service:
    """Several connections, one request at a time. Ends when main closes its end of `data`."""

    def __init__(self, data: socket.socket, listener: socket.socket, answerer: Answerer) -> None:
        self._data = data.fileno()
        self._listener = listener
        self._answer = answerer.answer
        self._connections: dict[int, _Connection] = {}
        self._poll = select.poll()
        self._poll.register(self._data, select.POLLIN)
        self._poll.register(listener, select.POLLIN)

    def run(self) -> None:
        """Serve until main hangs up."""
        poll, connections = self._poll.poll, self._connections
        while True:
            for descriptor, _ in poll():
                connection = connections.get(descriptor)
                if connection is not None:
                    self._serve(connection)
                elif descriptor == self._data:
                    return
                else:
                    self._accept()

    def _accept(self) -> None:
        accepted, _ = self._listener.accept()
        # A client that stops reading must not hold the others up for ever.
        accepted.settimeout(SEND_TIMEOUT_S)
        self._connections[accepted.fileno()] = _Connection(accepted)
        self._poll.register(accepted, select.POLLIN)

    def _serve(self, connection: _Connection) -> None:
        try:
            body = connection.read()
            if body is not None:
                connection.socket.sendall(self._answer(body))
        except (OSError, RunnerError):
            self._close(connection)

    def _close(self, connection: _Connection) -> None:
        descriptor = connection.socket.fileno()
        self._poll.unregister(descriptor)
        del self._connections[descriptor]
        connection.socket.close()
