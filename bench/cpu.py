"""CPU seconds of all processes of one side."""

from collections.abc import Iterable

import psutil

TRIES = 20


def cpu_s(pids: Iterable[int | None]) -> float:
    """User and system time so far of these processes and all their descendants.

    A descendant that ended counts through the parent that reaped it, so none is lost.
    """
    roots = [_known(pid) for pid in pids]
    for _ in range(TRIES):
        try:
            return sum(_family_s(psutil.Process(pid)) for pid in roots)
        except psutil.NoSuchProcess:
            # One ended while we looked; its time is with its parent now.
            continue
    raise RuntimeError("The processes of a side change too fast to be measured.")


def of_workers_s(pid: int | None) -> dict[int, float]:
    """User and system time so far of each descendant of a server."""
    times = {}
    for one in psutil.Process(_known(pid)).children(recursive=True):
        try:
            spent = one.cpu_times()
        except psutil.NoSuchProcess:
            continue
        times[one.pid] = float(spent.user + spent.system)
    return times


def _family_s(parent: psutil.Process) -> float:
    times = [one.cpu_times() for one in (*parent.children(recursive=True), parent)]
    return float(
        sum(one.user + one.system + one.children_user + one.children_system for one in times)
    )


def _known(pid: int | None) -> int:
    if pid is None:
        raise RuntimeError("A server of this side is not running.")
    return pid
