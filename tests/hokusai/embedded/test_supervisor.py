import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from hokusai.embedded import supervisor as module
from hokusai.embedded.errors import ProgramFailed
from hokusai.embedded.folder import DataFolder
from hokusai.embedded.processes import birth_mark
from hokusai.embedded.programs import Program
from hokusai.embedded.supervisor import RestartPolicy, StopRequested, Supervisor, end_left_behind

PATH = {"PATH": os.environ["PATH"]}


def shell(name: str, script: str, **fields: object) -> Program:
    return Program(name=name, command=("sh", "-c", script), environment=PATH, **fields)


@pytest.fixture
def supervisor(folder: DataFolder) -> Iterator[Supervisor]:
    policy = RestartPolicy(first_pause_s=1, quick_deaths_max=3)
    supervised = Supervisor(folder, policy)
    supervised.grace_s = 5
    yield supervised
    supervised.close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock for the supervisor that only the test moves."""
    hand = SimpleNamespace(now=1000.0)
    fake = SimpleNamespace(monotonic=lambda: hand.now, sleep=time.sleep)
    monkeypatch.setattr(module, "time", fake)
    return hand


def wait_for_death(supervisor: Supervisor, name: str, eventually) -> None:
    eventually(lambda: supervisor.pid(name) is None)


def test_a_program_has_its_environment_and_nothing_else(
    supervisor: Supervisor, folder: DataFolder, monkeypatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_CALLER", "x")
    supervisor.run(shell("env", "env"), to_terminal=False)
    names = {line.partition("=")[0] for line in folder.log("env").read_text().splitlines()}
    assert "PATH" in names
    assert "SECRET_OF_THE_CALLER" not in names


def test_running_once_returns_the_status(supervisor: Supervisor) -> None:
    assert supervisor.run(shell("once", "exit 7"), to_terminal=False) == 7


def test_readiness_waits_for_this_runs_log(supervisor: Supervisor, folder: DataFolder) -> None:
    folder.log("web").write_text("ready\n", encoding="ascii")
    supervisor.start(shell("web", "sleep 0.3; echo ready; sleep 300", ready_text="ready"))
    supervisor.wait_ready("web")
    assert folder.log("web").read_text("ascii") == "ready\nready\n"


def test_a_program_that_is_never_ready_is_reported_with_its_log(supervisor: Supervisor) -> None:
    program = shell("web", "echo thinking; sleep 300", is_ready=lambda: False, ready_within_s=0.5)
    supervisor.start(program)
    with pytest.raises(ProgramFailed, match=r"web was not ready within 0\.5 s(.|\n)*thinking"):
        supervisor.wait_ready("web")


def test_a_death_before_readiness_is_reported_at_once(supervisor: Supervisor) -> None:
    supervisor.start(shell("web", "echo no such module; exit 3", ready_text="ready"))
    with pytest.raises(ProgramFailed, match=r"status 3(.|\n)*no such module"):
        supervisor.wait_ready("web")


def test_pauses_before_restarts_grow(supervisor: Supervisor, clock, eventually) -> None:
    supervisor.start(shell("web", "exit 1"))
    for pause_s in (1, 2):
        wait_for_death(supervisor, "web", eventually)
        supervisor.tick()
        clock.now += pause_s - 0.1
        supervisor.tick()
        assert supervisor._children["web"].process is None
        clock.now += 0.2
        supervisor.tick()
        assert supervisor._children["web"].process is not None


def test_a_program_that_keeps_dying_is_given_up_with_its_log(
    supervisor: Supervisor, folder: DataFolder, clock, eventually
) -> None:
    supervisor.start(shell("web", "echo broken; exit 4"))
    with pytest.raises(ProgramFailed, match=r"3 times in a row, last with status 4(.|\n)*broken"):
        for _ in range(10):
            wait_for_death(supervisor, "web", eventually)
            supervisor.tick()
            clock.now += 5
            supervisor.tick()
    assert folder.log("web").read_text("ascii") == "broken\n" * 3


def test_a_death_after_a_long_life_starts_counting_anew(
    supervisor: Supervisor, clock, eventually
) -> None:
    supervisor.start(shell("web", "sleep 300"))
    for _ in range(5):
        clock.now += 60
        os.kill(supervisor.pid("web") or 0, signal.SIGKILL)
        wait_for_death(supervisor, "web", eventually)
        supervisor.tick()
        clock.now += 1.1
        supervisor.tick()
    assert supervisor.pid("web") is not None


def test_survivors_of_a_dead_leader_end_before_its_restart(
    supervisor: Supervisor, folder: DataFolder, eventually
) -> None:
    supervisor.start(shell("web", "sleep 300 & echo $!; exit 1"))
    wait_for_death(supervisor, "web", eventually)
    orphan = int(folder.log("web").read_text("ascii"))
    supervisor.tick()
    assert birth_mark(orphan) is None


def test_preparation_comes_before_every_start(supervisor: Supervisor, clock, eventually) -> None:
    prepared: list[int] = []
    supervisor.start(shell("web", "exit 1", prepare=lambda: prepared.append(1)))
    wait_for_death(supervisor, "web", eventually)
    supervisor.tick()
    clock.now += 5
    supervisor.tick()
    assert len(prepared) == 2


def test_a_request_to_stop_is_heard_at_the_next_tick(supervisor: Supervisor) -> None:
    supervisor.request_stop()
    with pytest.raises(StopRequested):
        supervisor.tick()


def test_those_named_last_outlive_the_others(supervisor: Supervisor, folder: DataFolder) -> None:
    log = folder.root / "order"
    for name in ("postgres", "web", "redis"):
        script = f"trap 'echo {name} >> {log}; exit' TERM; echo up; while :; do sleep 0.05; done"
        supervisor.start(shell(name, script, ready_text="up"))
    supervisor.wait_ready("postgres", "web", "redis")
    supervisor.stop_all(last=("redis", "postgres"))
    assert log.read_text("ascii").split() == ["web", "redis", "postgres"]


def test_what_an_earlier_run_left_is_ended(folder: DataFolder) -> None:
    process = subprocess.Popen(["sleep", "300"], start_new_session=True)
    folder.remember("processes", [[process.pid, birth_mark(process.pid), signal.SIGTERM]])
    Supervisor(folder).close()
    assert process.wait(timeout=60) == -signal.SIGTERM


def test_a_stranger_with_a_recorded_pid_is_left_alone(folder: DataFolder) -> None:
    process = subprocess.Popen(["sleep", "300"], start_new_session=True)
    folder.remember("processes", [[process.pid, "another boot:1", signal.SIGTERM]])
    end_left_behind(folder, grace_s=1)
    assert process.poll() is None
    process.kill()
    process.wait()


PARENT = """
import os, signal, sys, time
from pathlib import Path
from hokusai.embedded.folder import DataFolder
from hokusai.embedded.programs import Program
from hokusai.embedded.supervisor import StopRequested, Supervisor
supervisor = Supervisor(DataFolder(Path(sys.argv[1])))
signal.signal(signal.SIGTERM, lambda number, frame: supervisor.request_stop())
for name in ("one", "two"):
    command = ("sh", "-c", "sleep 300 & echo $!; wait")
    supervisor.start(Program(name, command, {"PATH": os.environ["PATH"]}, ready_text="\\n"))
supervisor.wait_ready("one", "two")
print(supervisor.pid("one"), supervisor.pid("two"), flush=True)
try:
    while True:
        supervisor.tick()
        time.sleep(0.05)
except StopRequested:
    supervisor.close()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_children_and_their_children_end_with_the_supervisor(
    folder: DataFolder, number: int, eventually
) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder.root)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert parent.stdout is not None
    pids = [int(word) for word in parent.stdout.readline().split()]
    pids += [int(folder.log(name).read_text("ascii")) for name in ("one", "two")]
    assert len(pids) == 4
    assert all(birth_mark(pid) for pid in pids)
    parent.send_signal(number)
    parent.wait(timeout=60)
    eventually(lambda: not any(birth_mark(pid) for pid in pids))
