import os
import signal
import subprocess

from hokusai.embedded.processes import Group, birth_mark, end_groups, group_members, is_ours


def spawn(script: str) -> tuple[subprocess.Popen[str], Group]:
    process = subprocess.Popen(
        ["sh", "-c", script], start_new_session=True, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process, Group(process.pid, birth_mark(process.pid) or "", signal.SIGTERM)


def test_a_mark_stays_the_same_for_one_process() -> None:
    assert birth_mark(os.getpid()) == birth_mark(os.getpid())


def test_a_dead_process_has_no_mark() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    assert birth_mark(process.pid) is None


def test_ending_a_group_ends_children_of_its_leader() -> None:
    process, group = spawn("sleep 300 & echo up; wait")
    assert len(group_members(group.pgid)) == 2
    end_groups([group], grace_s=5, reap=process.poll)
    assert group_members(group.pgid) == []


def test_a_group_that_ignores_the_signal_is_killed() -> None:
    process, group = spawn("trap '' TERM; echo up; sleep 300 & wait; sleep 300")
    end_groups([group], grace_s=0.3, reap=process.poll)
    assert group_members(group.pgid) == []
    assert process.returncode == -signal.SIGKILL


def test_a_pid_given_to_another_process_is_left_alone() -> None:
    process, group = spawn("echo up; sleep 300")
    stranger = Group(group.pgid, "of another boot:1", signal.SIGTERM)
    assert not is_ours(stranger)
    end_groups([stranger], grace_s=1)
    assert birth_mark(process.pid) == group.mark
    end_groups([group], grace_s=5, reap=process.poll)
