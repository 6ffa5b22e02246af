"""Callers at a door behind which nobody answers hear why."""

import socket
import threading
from pathlib import Path

import pytest

from hokusai.runner import doors, protocol
from hokusai.runner.errors import RunnerUnavailable, from_wire

LATER = RunnerUnavailable("later", retry_after_s=0.5)


def ask(path: Path, frame: bytes) -> RunnerUnavailable:
    """What a caller hears."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(10)
        caller.connect(str(path))
        caller.sendall(frame)
        body = protocol.receive(caller)
        assert body is not None
        assert protocol.receive(caller) is None
    error = from_wire(protocol.decode(body)[0]["error"])
    assert isinstance(error, RunnerUnavailable)
    return error


def test_a_key_is_always_behind_the_same_short_path(tmp_path: Path) -> None:
    path = doors.path_of(tmp_path, "rev_a")
    assert path == doors.path_of(tmp_path, "rev_a") != doors.path_of(tmp_path, "rev_b")
    assert path.match(doors.PATTERN)
    assert path == doors.path_of(tmp_path, "rev_a")
    assert len(doors.path_of(tmp_path, "k" * 500).name) == len(path.name) == 18


@pytest.mark.parametrize("size", [2, 3 << 20])
def test_a_question_is_read_to_its_end_before_it_is_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "s"
    frame = protocol.LENGTH.pack(size) + b" " * size
    with doors.open_door(path) as listener:
        refused = threading.Timer(0.05, doors.Refusals().answer, (listener, LATER))
        refused.start()
        assert ask(path, frame).context == {"retry_after_s": 0.5}


def test_who_leaves_before_the_answer_harms_nobody() -> None:
    ours, theirs = socket.socketpair()
    ours.sendall(b"\x00")
    ours.close()
    doors.turn_away(theirs, LATER)
    assert theirs.fileno() == -1


def test_a_door_is_for_this_user_alone_and_replaces_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("left by another")
    with doors.open_door(path) as listener:
        assert path.stat().st_mode & 0o777 == 0o600
        assert not listener.getblocking()
        assert [entry.name for entry in tmp_path.iterdir()] == ["s"]


def test_a_door_that_someone_shut_is_not_sound(tmp_path: Path) -> None:
    with doors.open_door(tmp_path / "s") as listener:
        assert doors.sound(listener)
        with listener.dup() as shared:
            shared.shutdown(socket.SHUT_RDWR)
        assert not doors.sound(listener)
