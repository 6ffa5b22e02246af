"""The loop of a serving child: takes what is ready, runs it together where that pays, answers."""

import select
import socket
import time
from typing import Final

from hokusai.runner.answering import Answerer, Asked
from hokusai.runner.connections import Connection
from hokusai.runner.errors import RunnerError

SEND_TIMEOUT_NS: Final = 10_000_000_000
STALLED_POLL_MS: Final = 500
LAST_ANSWERS_NS: Final = 2_000_000_000
# Below the limit of open files. Beyond it the longest idle one is closed; its client, which sees
# that before its next request is read, connects anew.
MAX_CONNECTIONS: Final = 100

Taken = list[tuple[Connection, Asked]]


class Service:
    """Many connections, one model. Ends when main closes its end of `data`.

    One frame per connection and round, so no caller overtakes another by asking more; who does not
    read its answer is left aside until it does, at most `SEND_TIMEOUT_NS`.
    """

    def __init__(self, data: socket.socket, listener: socket.socket, answerer: Answerer) -> None:
        self._data = data.fileno()
        self._listener = listener
        # Main may have taken the connection that the listener announced.
        listener.setblocking(False)
        self._answerer = answerer
        self._pace = answerer.pace
        self._connections: dict[int, Connection] = {}
        self._stalled: set[Connection] = set()
        self._staying = True
        self._poll = select.poll()
        self._poll.register(self._data, select.POLLIN)
        self._poll.register(listener, select.POLLIN)

    def run(self) -> None:
        """Serve until main hangs up; then answer what had come before, and end."""
        while self._staying:
            self._round(STALLED_POLL_MS if self._stalled else None)
        self._round(0)
        end = time.monotonic_ns() + LAST_ANSWERS_NS
        while self._stalled and time.monotonic_ns() < end:
            self._round(STALLED_POLL_MS // 10)

    def _round(self, timeout_ms: int | None) -> None:
        taken = self._take(timeout_ms)
        if taken and self._pace.budget_ns and len(self._connections) > len(taken):
            self._gather(taken)
        if len(taken) == 1:
            connection, asked = taken[0]
            self._send(connection, self._answerer.answer_one(asked))
        elif taken:
            requests = [asked for _, asked in taken]
            for place, frame in self._answerer.answer_all(requests):
                self._send(taken[place][0], frame)
        if self._stalled:
            self._give_up(time.monotonic_ns())

    def _take(self, timeout_ms: int | None) -> Taken:
        """Every request that is there; waits for something to happen at most `timeout_ms`."""
        taken: Taken = []
        connections = self._connections
        for descriptor, event in self._poll.poll(timeout_ms):
            connection = connections.get(descriptor)
            if connection is None:
                self._main_or_new(descriptor)
            elif event == select.POLLOUT:
                self._send_rest(connection)
            else:
                asked = self._read(connection)
                if asked is not None:
                    taken.append((connection, asked))
        return taken

    def _gather(self, taken: Taken) -> None:
        """Let others join `taken`, while experience says that it pays."""
        if not (self._answerer.together and self._pace.promising()):
            return
        began = time.monotonic_ns()
        since = began - self._pace.horizon_ns()
        others = self._connections.values()
        expected = sum(not one.asked and one.answered_ns > since for one in others)
        latest = min(asked.deadline_ns for _, asked in taken)
        while left := self._pace.wait_ns(len(taken), expected):
            left = min(left, (latest - began) // 2) - (time.monotonic_ns() - began)
            if left <= 0 or not self._something_within(left):
                break
            newcomers = self._take(0)
            taken += newcomers
            expected -= len(newcomers)
        taken[:] = [pair for pair in taken if pair[0].asked]

    def _something_within(self, wait_ns: int) -> bool:
        # poll() counts in milliseconds.
        return bool(select.select([*self._connections, self._data], [], [], wait_ns / 1e9)[0])

    def _read(self, connection: Connection) -> Asked | None:
        try:
            body = connection.read()
        except BlockingIOError:
            return None
        except (OSError, RunnerError):
            self._close(connection)
            return None
        if body is None:
            return None
        if connection.answered_ns:
            self._pace.asked_again(time.monotonic_ns() - connection.answered_ns)
        connection.asked = True
        try:
            return self._answerer.read(body)
        except RunnerError as error:
            self._send(connection, self._answerer.refuse(error))
            return None

    def _send(self, connection: Connection, frame: bytes) -> None:
        if not connection.asked:
            return
        try:
            if not connection.send(frame, time.monotonic_ns()):
                self._poll.modify(connection.socket, select.POLLOUT)
                self._stalled.add(connection)
        except OSError:
            self._close(connection)

    def _send_rest(self, connection: Connection) -> None:
        try:
            if connection.send_rest(time.monotonic_ns()):
                self._stalled.discard(connection)
                self._poll.modify(connection.socket, select.POLLIN)
        except OSError:
            self._close(connection)

    def _give_up(self, now_ns: int) -> None:
        for connection in list(self._stalled):
            if now_ns - connection.stalled_ns > SEND_TIMEOUT_NS:
                self._close(connection)

    def _main_or_new(self, descriptor: int) -> None:
        if descriptor != self._data:
            self._accept()
            return
        self._staying = False
        self._poll.unregister(self._data)
        self._poll.unregister(self._listener)

    def _accept(self) -> None:
        """Take in everyone at the door, so that their requests are found together."""
        for _ in range(MAX_CONNECTIONS):
            idle = self._longest_idle() if len(self._connections) >= MAX_CONNECTIONS else None
            if idle is None and len(self._connections) >= MAX_CONNECTIONS:
                return
            try:
                accepted, _ = self._listener.accept()
            except BlockingIOError:
                return
            if idle is not None:
                self._close(idle)
            self._connections[accepted.fileno()] = Connection(accepted, time.monotonic_ns())
            self._poll.register(accepted, select.POLLIN)

    def _longest_idle(self) -> Connection | None:
        idle = [one for one in self._connections.values() if one.idle]
        return min(idle, key=lambda one: one.used_ns) if idle else None

    def _close(self, connection: Connection) -> None:
        descriptor = connection.socket.fileno()
        self._poll.unregister(descriptor)
        del self._connections[descriptor]
        self._stalled.discard(connection)
        connection.asked = False
        connection.socket.close()
