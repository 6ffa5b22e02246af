"""Keeps programs running: start, readiness, restart with growing pauses, and an end that leaves
nobody behind."""

import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO

from hokusai.embedded.errors import ProgramFailed
from hokusai.embedded.folder import DataFolder
from hokusai.embedded.guardian import Guardian
from hokusai.embedded.processes import Group, birth_mark, end_groups
from hokusai.embedded.programs import Program

TICK_S = 0.1
RECORD = "processes"


class StopRequested(Exception):
    """Somebody asked the stack to end."""


@dataclass(frozen=True)
class RestartPolicy:
    """When a dead program is started again, and when it is given up. Pauses double from the first
    to the longest."""

    quick_death_s: float = 10.0
    first_pause_s: float = 1.0
    longest_pause_s: float = 30.0
    quick_deaths_max: int = 5


@dataclass
class _Child:
    """A program and its present process, if it has one."""

    program: Program
    process: subprocess.Popen[bytes] | None = None
    group: Group | None = None
    started_at: float = 0.0
    start_again_at: float = 0.0
    quick_deaths: int = 0
    log_offset: int = 0


class Supervisor:
    """Starts programs in groups of their own and watches them; call `tick` often, from one
    thread."""

    def __init__(self, folder: DataFolder, policy: RestartPolicy | None = None) -> None:
        """Take over a locked folder: programs that an earlier run left behind are ended first."""
        self._folder = folder
        self._policy = policy or RestartPolicy()
        self._children: dict[str, _Child] = {}
        self._stop_requested = False
        self.grace_s = 10.0
        end_left_behind(folder)
        self._guardian = Guardian()

    def start(self, program: Program) -> None:
        """Start a program; it is watched from now on. A program that runs is left alone."""
        child = self._children.get(program.name)
        if child is None or child.process is None:
            self._children[program.name] = child = _Child(program)
            self._spawn(child)

    def pid(self, name: str) -> int | None:
        """Return the pid of a program's present process, None while it is not running."""
        child = self._children.get(name)
        running = child is not None and child.process is not None and child.process.poll() is None
        return child.process.pid if running and child and child.process else None

    def wait_ready(self, *names: str) -> None:
        """Wait until programs are ready, each within its own time.

        Raises:
            ProgramFailed: one died before it was ready, or took too long.
        """
        for name in names:
            child = self._children[name]
            while not self._is_ready(child):
                self._require_life(child)
                self.tick(restart_except=names)
                time.sleep(TICK_S)

    def tick(self, *, restart_except: Iterable[str] = ()) -> None:
        """Notice deaths and start again what is due.

        Raises:
            StopRequested: `request_stop` was called.
            ProgramFailed: a program died too often right after its start.
        """
        if self._stop_requested:
            raise StopRequested
        now = time.monotonic()
        for name, child in self._children.items():
            if name in restart_except:
                continue
            if child.process and child.process.poll() is not None:
                self._note_death(child, now)
            elif child.process is None and now >= child.start_again_at:
                self._spawn(child)

    def request_stop(self) -> None:
        """Make the next `tick` raise `StopRequested`; safe inside a signal handler."""
        self._stop_requested = True

    def run(self, program: Program, *, to_terminal: bool) -> int:
        """Run a program once to its end while watching the others; return its exit status."""
        with self._open_log(program.name) as log:
            child = self._launch(_Child(program), None if to_terminal else log)
        try:
            while child.process and child.process.poll() is None:
                self.tick()
                time.sleep(TICK_S)
        finally:
            self._end([child])
        return child.process.returncode if child.process else 1

    def stop(self, name: str) -> None:
        """End a program and forget it."""
        child = self._children.pop(name, None)
        if child:
            self._end([child])

    def stop_all(self, *, last: tuple[str, ...] = ()) -> None:
        """End every program; those named in `last` go after all others, one by one in that
        order."""
        first = [child for name, child in self._children.items() if name not in last]
        self._end(first)
        for name in last:
            self.stop(name)
        self._children.clear()

    def close(self) -> None:
        """End what still runs, and the guardian."""
        self.stop_all()
        self._guardian.close()

    def _spawn(self, child: _Child) -> None:
        child.program.prepare()
        self._folder.rotate_log(child.program.name)
        with self._open_log(child.program.name) as log:
            child.log_offset = log.tell()
            self._launch(child, log)
        self._record()

    def _launch(self, child: _Child, output: IO[bytes] | None) -> _Child:
        program = child.program
        child.process = subprocess.Popen(
            program.command,
            env=dict(program.environment),
            cwd=program.cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output and subprocess.STDOUT,
            start_new_session=True,
        )
        child.started_at = time.monotonic()
        mark = birth_mark(child.process.pid) or ""
        child.group = Group(child.process.pid, mark, program.stop_signal)
        self._guardian.add(child.group)
        return child

    def _open_log(self, name: str) -> IO[bytes]:
        handle = self._folder.log(name).open("ab")
        handle.seek(0, 2)
        return handle

    def _is_ready(self, child: _Child) -> bool:
        if child.process is None or child.process.poll() is not None:
            return False
        wanted = child.program.ready_text.encode()
        if wanted:
            with self._folder.log(child.program.name).open("rb") as log:
                log.seek(child.log_offset)
                if wanted not in log.read():
                    return False
        return child.program.is_ready()

    def _require_life(self, child: _Child) -> None:
        program = child.program
        if child.process is not None and child.process.poll() is not None:
            raise self._failure(child, f"ended at its start with status {child.process.returncode}")
        if time.monotonic() - child.started_at > program.ready_within_s:
            raise self._failure(child, f"was not ready within {program.ready_within_s:g} s")

    def _note_death(self, child: _Child, now: float) -> None:
        """Plan the next start; survivors of the group are ended, so that two generations never
        mix."""
        policy = self._policy
        quick = now - child.started_at < policy.quick_death_s
        child.quick_deaths = child.quick_deaths + 1 if quick else 1
        status = child.process.returncode if child.process else None
        self._end([child])
        if child.quick_deaths >= policy.quick_deaths_max:
            reason = f"died {child.quick_deaths} times in a row, last with status {status}"
            raise self._failure(child, reason)
        pause_s = policy.first_pause_s * 2 ** (child.quick_deaths - 1)
        child.process = None
        child.start_again_at = now + min(pause_s, policy.longest_pause_s)

    def _failure(self, child: _Child, reason: str) -> ProgramFailed:
        name = child.program.name
        return ProgramFailed(name, reason, self._folder.log_tail(name))

    def _end(self, children: list[_Child]) -> None:
        groups = [child.group for child in children if child.group]

        def reap() -> None:
            for child in children:
                if child.process:
                    child.process.poll()

        end_groups(groups, grace_s=self.grace_s, reap=reap)
        reap()
        for group in groups:
            self._guardian.forget(group)
        self._record()

    def _record(self) -> None:
        """Keep who runs, so that a later start can tell our own left-overs from strangers."""
        groups = [child.group for child in self._children.values() if child.group]
        rows = [[group.pgid, group.mark, group.stop_signal] for group in groups if group.mark]
        self._folder.remember(RECORD, rows)


def end_left_behind(folder: DataFolder, *, grace_s: float = 10.0) -> None:
    """End groups that an earlier run of this folder recorded and that are provably still the same
    processes."""
    rows = folder.recall(RECORD) or []
    end_groups([Group(pgid, mark, number) for pgid, mark, number in rows], grace_s=grace_s)
    folder.remember(RECORD, [])
