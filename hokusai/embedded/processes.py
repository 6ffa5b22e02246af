"""Processes and process groups: who is alive, whether a pid is still the same process, and how to
end a group.

Standard library only: the guardian imports this and must start fast.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

LINUX = sys.platform.startswith("linux")
POLL_S = 0.05


@dataclass(frozen=True)
class Group:
    """A process group that we started: its leader's pid, the mark of its birth, and the signal that
    ends it."""

    pgid: int
    mark: str
    stop_signal: int = signal.SIGTERM


def birth_mark(pid: int) -> str | None:
    """Return a text that no other process with this pid ever has, or None if there is no live
    process.

    On Linux the boot id and the start time in clock ticks, elsewhere what `ps` says about the
    start.
    """
    if not LINUX:
        return _ps(["-o", "lstart=", "-p", str(pid)]).strip() or None
    fields = _stat_fields(pid)
    if fields is None or fields[0] in {"Z", "X"}:
        return None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot}:{fields[19]}"


def group_members(pgid: int) -> list[int]:
    """Return the pids of a group's live processes; zombies do not count, since nobody may ever reap
    them."""
    if not LINUX:
        rows = (line.split() for line in _ps(["-axo", "pid=,pgid=,stat="]).splitlines())
        return [int(row[0]) for row in rows if row[1] == str(pgid) and not row[2].startswith("Z")]
    members = []
    for entry in os.listdir("/proc"):
        fields = _stat_fields(int(entry)) if entry.isdigit() else None
        if fields and fields[2] == str(pgid) and fields[0] not in {"Z", "X"}:
            members.append(int(entry))
    return members


def is_ours(group: Group) -> bool:
    """Say whether the group's number still means the group that we started.

    A number whose leader is gone stays reserved while members live; with another leader it was
    given away.
    """
    mark = birth_mark(group.pgid)
    return mark == group.mark or (mark is None and bool(group_members(group.pgid)))


def end_groups(
    groups: Iterable[Group], *, grace_s: float, reap: Callable[[], object] = lambda: None
) -> None:
    """Send each group its stop signal, wait up to `grace_s` seconds, and kill what is left.

    `reap` is called while waiting, so that a parent can collect its children.
    """
    left = [group for group in groups if is_ours(group)]
    for group in left:
        _signal_leader(group)
    deadline = time.monotonic() + grace_s
    while left and time.monotonic() < deadline:
        time.sleep(POLL_S)
        reap()
        left = _still_alive(left)
    for group in left:
        signal_group(group.pgid, signal.SIGKILL)
    deadline = time.monotonic() + grace_s
    while left and time.monotonic() < deadline:
        time.sleep(POLL_S)
        reap()
        left = [group for group in left if group_members(group.pgid)]


def _still_alive(groups: list[Group]) -> list[Group]:
    """Return the groups with live members; members that outlive their leader are told to end as
    well."""
    alive = [group for group in groups if group_members(group.pgid)]
    for group in alive:
        if birth_mark(group.pgid) is None:
            signal_group(group.pgid, group.stop_signal)
    return alive


def _signal_leader(group: Group) -> None:
    """Tell the leader to end: it knows best how to end its own children. Without a leader, tell
    all."""
    if birth_mark(group.pgid) is None:
        signal_group(group.pgid, group.stop_signal)
        return
    try:
        os.kill(group.pgid, group.stop_signal)
    except ProcessLookupError:
        return


def signal_group(pgid: int, number: int) -> None:
    """Send a signal to a group; a group that is gone is fine."""
    try:
        os.killpg(pgid, number)
    except ProcessLookupError:
        return


def _stat_fields(pid: int) -> list[str] | None:
    """Return /proc/<pid>/stat from the state on; the name before it may contain anything."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()


def _ps(arguments: list[str]) -> str:
    done = subprocess.run(["ps", *arguments], capture_output=True, text=True, check=False)
    return done.stdout
