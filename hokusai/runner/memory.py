"""What a process really holds, seen from outside."""

import os
import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import Final

from hokusai.runner.sandbox.plan import Tier
from hokusai.runner.sandbox.private_root import TEMPORARY_BYTES, TEMPORARY_PATH

PROC: Final = Path("/proc")
PSS: Final = re.compile(rb"^Pss:\s+(\d+) kB", re.MULTILINE)
PAGE_BYTES: Final = resource.getpagesize()


def resident_bytes(pid: int) -> int:
    """Resident set of `pid`, pages shared with the warmed parent included; 0 once it ended."""
    if sys.platform != "linux":
        command = ["ps", "-o", "rss=", "-p", str(pid)]
        found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)
        return int(found.stdout.strip() or 0) * 1024
    try:
        return int((PROC / str(pid) / "statm").read_bytes().split()[1]) * PAGE_BYTES
    except (OSError, IndexError):
        return 0


def proportional_bytes(pid: int) -> int:
    """Proportional set of `pid` (a shared page counts in parts); the resident set if unreadable."""
    try:
        found = PSS.search((PROC / str(pid) / "smaps_rollup").read_bytes())
    except OSError:
        found = None
    return int(found[1]) * 1024 if found else resident_bytes(pid)


def tree_of(pid: int) -> list[int]:
    """`pid` and all that descend from it, as far as the system tells."""
    try:
        threads = os.listdir(PROC / str(pid) / "task")
    except OSError:
        threads = []
    started = (child for thread in threads for child in _started_by(pid, thread))
    return [pid, *(found for child in started for found in tree_of(child))]


def _started_by(pid: int, thread: str) -> list[int]:
    try:
        listed = (PROC / str(pid) / "task" / thread / "children").read_text("utf-8")
    except OSError:
        # The thread ended meanwhile; what it started belongs to another one now.
        return []
    return [int(text) for text in listed.split()]


def temporary_bytes(pid: int) -> int:
    """What the files in the private /tmp of `pid` hold, which is memory too; 0 if unreadable."""
    try:
        found = os.statvfs(f"{PROC}/{pid}/root{TEMPORARY_PATH}")
    except OSError:
        return 0
    return (found.f_blocks - found.f_bfree) * found.f_bsize


def exceeds(pid: int, limit_bytes: int, *, tier: Tier = "C") -> bool:
    """Whether the tree of `pid` holds more than `limit_bytes`.

    Cheap below the limit: the resident set is read first, and is never below the proportional one.
    In tiers A and B nothing can be started, in A the files of a private /tmp count.
    """
    pids = tree_of(pid) if tier == "C" else [pid]
    spare = TEMPORARY_BYTES if tier == "A" else 0
    if sum(map(resident_bytes, pids)) + spare <= limit_bytes:
        return False
    held = temporary_bytes(pid) if tier == "A" else 0
    return sum(map(proportional_bytes, pids)) + held > limit_bytes


def family_bytes(pid: int) -> int:
    """Proportional set of `pid` and all that descend from it."""
    return sum(map(proportional_bytes, tree_of(pid)))
