"""Memory is what a process holds, whoever looks."""

import os
import subprocess
import sys

from hokusai.runner import memory


def test_the_proportional_set_is_never_above_the_resident_one() -> None:
    assert memory.proportional_bytes(os.getpid()) > 0
    resident = memory.resident_bytes(os.getpid())
    assert memory.proportional_bytes(os.getpid()) <= resident + (1 << 20)


def test_a_process_that_ended_holds_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert memory.resident_bytes(process.pid) == 0
    assert not memory.exceeds(process.pid, 0)


def test_a_limit_below_what_is_held_is_exceeded() -> None:
    assert memory.exceeds(os.getpid(), 1 << 20)
    assert not memory.exceeds(os.getpid(), 1 << 40)


def test_children_count() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert process.pid in memory.tree_of(os.getpid())
        process.communicate(b"\n")
