"""The loop of a child: many callers, none of whom can hold the others up."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hokusai.runner import answering, protocol, serving, stamp
from hokusai.runner.errors import InvalidInput
from hokusai.runner.serving import Service
from tests.hokusai.runner.sums import WIDE, Sums, answerer, frame, outputs


class Child:
    """A service in a thread. `main`: main's end of its data; closing it ends the service."""

    def __init__(self, folder: Path, model: Sums, budget_ms: float = 0.0) -> None:
        self.model = model
        self.stamp = stamp.create()
        self._path = str(folder / "child.sock")
        self.main, theirs = socket.socketpair()
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self._path)
        listener.listen()
        self._open: list[socket.socket] = [self.main, theirs, listener]
        asked = answerer(model, self.stamp, latency_budget_ms=budget_ms)
        service = Service(theirs, listener, asked)
        self.thread = threading.Thread(target=service.run, daemon=True)
        self.thread.start()

    def caller(self) -> socket.socket:
        """A new connection."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(20)
        connection.connect(self._path)
        self._open.append(connection)
        return connection

    def end(self) -> None:
        """Hang up and wait."""
        self.model.go_on.set()
        self.main.close()
        self.thread.join(20)
        assert not self.thread.is_alive()
        for one in self._open:
            one.close()
        os.close(self.stamp)


Make = Callable[..., Child]


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    monkeypatch.setattr(answering, "PROVED_BATCHES", 0)
    made: list[Child] = []

    def make(budget_ms: float = 0.0, **kind: bool) -> Child:
        made.append(Child(tmp_path, Sums(**kind), budget_ms))
        return made[-1]

    yield make
    for one in made:
        one.end()


def ask(connection: socket.socket, *rows: tuple[object, object]) -> list[object]:
    connection.sendall(frame(*rows))
    return predictions(connection)


def predictions(connection: socket.socket) -> list[object]:
    received = protocol.receive(connection)
    assert received is not None
    return list(outputs(received).predictions())


def held(one: Child) -> socket.socket:
    """The model works for this caller until `go_on`; whoever asks meanwhile has to wait."""
    first = one.caller()
    one.model.go_on.clear()
    one.model.begun.clear()
    first.sendall(frame((0, 0)))
    assert one.model.begun.wait(20)
    return first


@pytest.mark.parametrize("budget_ms", [0.0, 5.0])
def test_requests_that_wait_for_the_model_are_run_together(child: Make, budget_ms: float) -> None:
    one = child(budget_ms)
    first, others = held(one), [one.caller() for _ in range(5)]
    for number, caller in enumerate(others):
        caller.sendall(frame((number, 1)))
    one.model.go_on.set()
    assert predictions(first) == [0.0]
    assert [predictions(caller) for caller in others] == [[n + 1.0] for n in range(5)]
    assert sum(one.model.runs) == 6
    assert len(one.model.runs) < 6


def test_a_wrong_row_hurts_only_its_own_request(child: Make) -> None:
    one = child()
    first, wrong, right = held(one), one.caller(), one.caller()
    wrong.sendall(frame((1, None)))
    right.sendall(frame((1, 2)))
    one.model.go_on.set()
    assert predictions(right) == [3.0]
    assert predictions(first) == [0.0]
    with pytest.raises(InvalidInput, match="column 'b'"):
        predictions(wrong)
    assert ask(wrong, (1, 1)) == [2.0]


def test_who_does_not_read_its_answer_holds_nobody_up(child: Make) -> None:
    one = child(wide=True)
    lazy, quick = one.caller(), one.caller()
    lazy.sendall(frame((1, 2), (3, 4)))
    assert ask(quick, (1, 1)) == [2.0]
    received = protocol.receive(lazy)
    assert received is not None
    assert len(received) > 2 * 8 * WIDE
    assert outputs(received).predictions() == [3.0, 7.0]
    assert ask(lazy, (1, 1)) == [2.0]


def test_a_frame_may_come_in_parts(child: Make) -> None:
    one = child()
    slow, quick = one.caller(), one.caller()
    whole = frame((1, 2))
    for part in (whole[:2], whole[2:10], whole[10:30]):
        slow.sendall(part)
        assert ask(quick, (3, 4)) == [7.0]
    slow.sendall(whole[30:])
    assert predictions(slow) == [3.0]


@pytest.mark.parametrize("sent", [frame((1, 2)) * 2, b"\xff" * 8, b"\x00\x00\x00\x01ab"])
def test_who_breaks_the_protocol_is_left(child: Make, sent: bytes) -> None:
    one = child()
    wrong, right = one.caller(), one.caller()
    wrong.sendall(sent)
    assert protocol.receive(wrong) is None
    assert ask(right, (1, 2)) == [3.0]


def test_a_caller_that_leaves_before_its_answer_harms_nothing(child: Make) -> None:
    one = child()
    first, second = held(one), one.caller()
    second.sendall(frame((1, 2)))
    first.close()
    second.close()
    one.model.go_on.set()
    assert ask(one.caller(), (1, 2)) == [3.0]


def test_beyond_the_limit_the_longest_idle_connection_ends(
    child: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "MAX_CONNECTIONS", 2)
    one = child()
    old, newer = one.caller(), one.caller()
    assert ask(old, (1, 2)) == ask(newer, (1, 2)) == [3.0]
    assert ask(one.caller(), (1, 2)) == [3.0]
    assert protocol.receive(old) is None
    assert ask(newer, (1, 2)) == [3.0]


def test_what_came_before_main_hung_up_is_answered(child: Make) -> None:
    one = child()
    second = one.caller()
    assert ask(second, (1, 1)) == [2.0]
    first = held(one)
    second.sendall(frame((1, 2)))
    one.main.close()
    one.model.go_on.set()
    one.thread.join(20)
    assert predictions(first) == [0.0]
    assert predictions(second) == [3.0]
    assert protocol.receive(second) is None


def test_a_child_counts_what_it_does(child: Make) -> None:
    one = child()
    caller = one.caller()
    for _ in range(3):
        ask(caller, (1, 2), (3, 4))
    counted = stamp.counters(one.stamp)
    assert (counted.requests, counted.errors, counted.batches, counted.rows) == (3, 0, 3, 6)
    assert counted.p50_ms is not None
