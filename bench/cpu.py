"""CPU seconds of all processes of one side."""

from collections.abc import Iterable

import psutil


def family(pids: Iterable[int | None]) -> list[psutil.Process]:
    """These processes and all their descendants."""
    found: dict[int, psutil.Process] = {}
    for pid in pids:
        if pid is None:
            raise RuntimeError("A server of this side is not running.")
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            found[process.pid] = process
    return list(found.values())


def cpu_s(processes: Iterable[psutil.Process]) -> float:
    """User and system time so far; every process must still live, so that none goes uncounted."""
    times = [process.cpu_times() for process in processes]
    return sum(one.user + one.system for one in times)
