"""Ends every process group of its parent when the parent is gone, however it went.

The parent holds the other end of standard input and writes one line per group: `add <pgid> <signal>
<mark>` and `forget <pgid>`. End of file means that the parent is dead: a death signal of the kernel
would reach direct children only, while servers have children of their own.
"""

import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

from hokusai.embedded.processes import Group, end_groups

GRACE_S = 8.0
PROJECT_ROOT = Path(__file__).resolve().parents[2]


class Guardian:
    """The parent's side: starts the guardian and tells it what to watch."""

    def __init__(self) -> None:
        """Start the guardian in a session of its own, beyond the terminal's signals."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hokusai.embedded.guardian"],
            cwd=PROJECT_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )

    def add(self, group: Group) -> None:
        """Have a group ended when this process dies."""
        self._tell(f"add {group.pgid} {group.stop_signal} {group.mark}\n")

    def forget(self, group: Group) -> None:
        """Take back `add`, once the group has ended."""
        self._tell(f"forget {group.pgid}\n")

    def close(self) -> None:
        """Let the guardian end; whatever was not forgotten is ended by it."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait(timeout=3 * GRACE_S)

    def _tell(self, line: str) -> None:
        if self._process.stdin is None or self._process.poll() is not None:
            return
        self._process.stdin.write(line)
        self._process.stdin.flush()


def watch(lines: IO[str]) -> dict[int, Group]:
    """Read orders until the parent is gone; return the groups that it left behind."""
    groups: dict[int, Group] = {}
    for line in lines:
        order, pgid, *rest = line.rstrip("\n").split(" ", 3)
        if order == "add":
            groups[int(pgid)] = Group(int(pgid), mark=rest[1], stop_signal=int(rest[0]))
        else:
            groups.pop(int(pgid), None)
    return groups


def main() -> None:
    """Wait for the parent's end, then end its groups."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    end_groups(watch(sys.stdin).values(), grace_s=GRACE_S)


if __name__ == "__main__":
    main()
