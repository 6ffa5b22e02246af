"""Children have a parent of their own kind, a uid of their own, and an end that is reported."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hokusai.runner import memory, nursery
from hokusai.runner.children import Child, Watch
from hokusai.runner.errors import ModelCrashed, ModelTimeout, RunnerUnavailable
from hokusai.runner.nursery import Nursery
from hokusai.runner.sandbox.plan import Plan

HELD_BYTES = 8 << 20


@pytest.fixture(scope="module")
def home() -> Iterator[Nursery]:
    found = Nursery(Watch())
    yield found
    found.close()


def start(home: Nursery, folder: Path, project: str = "p", limit: int = 1 << 30) -> Child:
    """A child that holds a little memory for some seconds, under limits alone."""
    plan = Plan(
        purpose="probe",
        tier="C",
        uid=0,
        tree="",
        format="",
        scratch=str(folder),
        memory_bytes=limit,
        probe={"allocate_bytes": HELD_BYTES},
    )
    return home.start(plan, project=project, kind="bare")


def test_uids_of_living_children_differ(home: Nursery) -> None:
    uids = {home.own_uid() for _ in range(100)}
    assert len(uids) == (1 if os.geteuid() else 100)
    assert 0 not in uids or os.geteuid()


# More than once: the child must not survive at whichever of its first steps the parent dies.
@pytest.mark.parametrize("turn", range(5))
def test_a_parent_that_died_is_replaced(home: Nursery, tmp_path: Path, turn: int) -> None:
    first = start(home, tmp_path)
    (zygote,) = [z for name, z in home._zygotes.items() if name == ("p", "bare")]
    os.kill(zygote.process.pid, signal.SIGKILL)
    assert first.ended.wait(60)
    first.dispose()
    second = start(home, tmp_path)
    assert home._zygotes["p", "bare"] is not zygote
    second.dispose()


def test_the_first_cause_of_an_end_is_the_one_told(home: Nursery, tmp_path: Path) -> None:
    child = start(home, tmp_path)
    child.kill(ModelTimeout("late"))
    child.kill(RunnerUnavailable("stopped"))
    assert isinstance(child.cause(), ModelTimeout)
    child.dispose()


def test_a_child_killed_by_others_is_a_crash(home: Nursery, tmp_path: Path) -> None:
    child = start(home, tmp_path)
    while not child.pid:
        pass
    os.kill(child.pid, signal.SIGKILL)
    cause = child.cause()
    assert isinstance(cause, ModelCrashed)
    assert cause.context == {"signal": "SIGKILL"}
    child.dispose()


def test_projects_do_not_share_a_parent_and_unused_ones_end(
    home: Nursery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nursery, "MAX_ZYGOTES", 2)
    for project in ("p", "q", "r"):
        start(home, tmp_path, project).dispose()
    assert len(home._zygotes) == 2
    assert ("p", "bare") not in home._zygotes
    pids = {zygote.process.pid for zygote in home._zygotes.values()}
    assert len(pids) == 2
    assert all(memory.resident_bytes(pid) for pid in pids)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted in /proc")
@pytest.mark.parametrize("kind", ["numeric", "pyfunc"])
def test_a_warmed_parent_has_no_thread_that_a_fork_would_leave_halfway(kind: str) -> None:
    warmed = nursery.Zygote(kind)
    try:
        tasks = Path(f"/proc/{warmed.process.pid}/task").iterdir()
        names = sorted((task / "comm").read_text().strip() for task in tasks)
    finally:
        warmed.close()
    # The allocator's own thread is stopped and started around forks by the allocator.
    assert [name for name in names if name != "jemalloc_bg_thd"] == [names[-1]]
