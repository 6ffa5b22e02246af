"""Keeps what is served served: children on demand, again after a crash, ended while idle."""

import contextlib
import logging
import os
import select
import signal
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from pathlib import Path
from socket import socket
from typing import Any, Final

from hokusai.runner import doors
from hokusai.runner.children import STOPPED, Child
from hokusai.runner.crashes import Pace
from hokusai.runner.errors import RunnerError, RunnerUnavailable
from hokusai.runner.exchange import END_WAIT_S, introduction
from hokusai.runner.journal import Journal
from hokusai.runner.kept import Kept
from hokusai.runner.spec import Spec

LOG: Final = logging.getLogger("hokusai.runner")
REMEMBERED_CAUSES: Final = 256
# The watch sees an end within one of its rounds.
SEEN_S: Final = 0.25
RESTED: Final = RunnerUnavailable("This version was ended while nobody asked it.")
REPLACED: Final = RunnerUnavailable("This version was replaced.")
Start = Callable[[Spec, socket], Child]
Warm = Callable[[str, str], None]


class Keeper:
    """Every served key. `start` forks a child that inherits a listening socket.

    `warm` sees to the parent of a project and kind, as `Child.home` names it.
    """

    def __init__(self, folder: Path, start: Start, warm: Warm, pace: Pace) -> None:
        self._folder = folder
        self._start = start
        self._warm = warm
        self._pace = pace
        self._journal = Journal(folder)
        self._kept: dict[str, Kept] = {}
        self._causes: OrderedDict[str, RunnerError] = OrderedDict()
        self._turns: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        self._ended: deque[Child] = deque()
        self._refusals = doors.Refusals()
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._waker, False)
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def open(self) -> list[tuple[str, str]]:
        """Listen for what the runner before served, without a child yet, and begin to keep.

        Returns (project, format) of those keys.
        """
        for left in self._folder.glob(doors.PATTERN):
            left.unlink()
        for spec, model_format in self._journal.read():
            path = doors.path_of(self._folder, spec.key)
            self._kept[spec.key] = Kept(spec, path, self._pace, model_format)
        self._thread.start()
        return [(kept.spec.project, kept.format) for kept in self._kept.values()]

    def close(self) -> None:
        """Stop keeping. Children are ended by whoever forked them; the journal stays."""
        self._closing = True
        self._wake()
        if self._thread.is_alive():
            self._thread.join()
        self._refusals.close()
        for kept in self.all():
            kept.close()

    def all(self) -> list[Kept]:
        """Every served key."""
        with self._lock:
            return list(self._kept.values())

    def get(self, key: str) -> Kept:
        """The key; RunnerUnavailable where it is not served."""
        with self._lock:
            kept = self._kept.get(key)
        if kept is None:
            raise RunnerUnavailable("This version is not being served.")
        return kept

    def at(self, path: str) -> Kept | None:
        """The key that is served at `path`."""
        return next((kept for kept in self.all() if str(kept.path) == path), None)

    def serve(self, spec: Spec) -> Path:
        """Serve by `spec`, and return where. A child that no longer fits ends after the next came.

        Where a child that fits was there before, none is started: the next caller finds one.
        """
        with self._turn(spec.key):
            kept = self._kept.get(spec.key)
            if kept is None:
                return self._serve_anew(spec)
            if spec != kept.spec:
                if spec.needs_another_child(kept.spec):
                    self._replace(kept, spec)
                kept.spec = spec
                self._remember_served()
            return kept.path

    def stop(self, key: str, *, at_once: bool) -> bool:
        """No longer serve `key`; its child may finish its request unless `at_once`."""
        with self._lock:
            kept = self._kept.get(key)
        if at_once and kept is not None and (child := kept.living()) is not None:
            child.kill(STOPPED)
        with self._turn(key):
            with self._lock:
                kept = self._kept.pop(key, None)
            if kept is None:
                return False
            self._remember_served()
            self._remember_cause(str(kept.path), STOPPED)
            child = kept.close()
            self._wake()
            if child is not None:
                child.let_go(STOPPED)
            return True

    def ensure(self, key: str) -> Kept:
        """The key with what its model states of itself, for which a child may have to load it."""
        kept = self.get(key)
        if kept.stated is None and kept.begin(time.monotonic()):
            self._revive(kept)
        if kept.stated is None:
            raise kept.refusal(time.monotonic()) or RunnerUnavailable(STOPPED.message)
        return kept

    def why(self, path: str) -> tuple[RunnerError | None, bool]:
        """Why the child at `path` ended just now, and whether its key is served on regardless."""
        kept = self.at(path)
        if kept is None:
            return self._causes.get(path), False
        child, found = kept.living(), kept.told(time.monotonic() - END_WAIT_S)
        # A child that lives may be the next one already, or the one whose end is not yet seen.
        if child is not None and child.ended.wait(SEEN_S if found else END_WAIT_S):
            self._settle(kept, child)
            return child.cause(), False
        return found or kept.told(time.monotonic() - END_WAIT_S) or (None, False)

    def _serve_anew(self, spec: Spec) -> Path:
        path = doors.path_of(self._folder, spec.key)
        kept = Kept(spec, path, self._pace)
        try:
            self._install(kept, spec)
        except (RunnerError, OSError):
            kept.close()
            raise
        with self._lock:
            self._kept[spec.key] = kept
            self._causes.pop(str(path), None)
        self._remember_served()
        self._wake()
        return path

    def _replace(self, kept: Kept, spec: Spec) -> None:
        with kept.turn:
            if not doors.sound(kept.listener):
                kept.mend()
            old = self._install(kept, spec, spec)
        if old is not None:
            old.let_go(REPLACED)
        self._wake()

    def _install(self, kept: Kept, spec: Spec, anew: Spec | None = None) -> Child | None:
        """Start a child, let it load, make it the one that answers; the one before it."""
        with kept.door() as door:
            child = self._start(spec, door)
        kept.loads(child)
        stated = introduction(child, spec.deadline_s)
        old = kept.took(child, stated, anew)
        child.on_end = self._note_end
        if child.ended.is_set():
            self._note_end(child)
        return old

    def _revive(self, kept: Kept) -> None:
        """Start the child of a key that has none; what hinders is kept for its callers."""
        with kept.turn:
            if kept.living() is not None:
                return
            try:
                self._install(kept, kept.spec)
            except RunnerError as error:
                kept.failed(error)
            except OSError as error:
                kept.failed(RunnerUnavailable(f"The system refused: {error.strerror or error}"))
            else:
                self._remember_served()
        self._wake()

    def _run(self) -> None:
        try:
            self._keep()
        finally:
            if not self._closing:
                # Rather no runner, which is started again, than one that keeps nothing.
                os.kill(os.getpid(), signal.SIGTERM)

    def _keep(self) -> None:
        swept_at = 0.0
        while not self._closing:
            poll, doors_by_handle, wait_s = self._look_around()
            for handle, event in poll.poll(max(1, int(wait_s * 1000) + 1)):
                if handle == self._woken:
                    os.read(self._woken, 4096)
                else:
                    self._attend(doors_by_handle[handle], event)
            self._bury()
            now = time.monotonic()
            if now - swept_at >= self._pace.sweep_s:
                swept_at = now
                self._sweep(now)

    def _look_around(self) -> tuple[select.poll, dict[int, Kept], float]:
        """What to wait for: callers at doors without a child, doors that break, the next time."""
        poll, found, wait_s = select.poll(), {}, self._pace.sweep_s
        poll.register(self._woken, select.POLLIN)
        now = time.monotonic()
        for kept in self.all():
            handle = kept.listener.fileno()
            if handle < 0:
                continue
            left = kept.wait_s(now)
            wait_s = min(wait_s, left or wait_s)
            found[handle] = kept
            callers = 0 if left or kept.living() else select.POLLIN
            poll.register(handle, callers | select.POLLRDHUP)
        return poll, found, wait_s

    def _attend(self, kept: Kept, event: int) -> None:
        if event & (select.POLLRDHUP | select.POLLHUP | select.POLLERR):
            kept.mend()
        elif event & select.POLLIN and kept.living() is None:
            now = time.monotonic()
            refusal = kept.refusal(now)
            if refusal is not None:
                self._refusals.answer(kept.listener, refusal)
            elif kept.begin(now):
                self._in_background(self._revive, kept)

    def _bury(self) -> None:
        while self._ended:
            child = self._ended.popleft()
            for kept in self.all():
                self._settle(kept, child)

    def _settle(self, kept: Kept, child: Child) -> None:
        """Note the end of a child, if it is this key's, and give back what it held."""
        if kept.ended(child):
            LOG.warning("%s: %s", kept.spec.key, child.cause().message)
            child.dispose()
            # Its parent may have ended with it, and takes seconds to be warm again.
            self._in_background(self._warm, *child.home)

    def _sweep(self, now: float) -> None:
        for kept in self.all():
            if (child := kept.rest(now)) is not None:
                self._in_background(child.let_go, RESTED)

    def _in_background(self, act: Callable[..., None], *arguments: Any) -> None:
        threading.Thread(target=act, args=arguments, daemon=True).start()

    def _note_end(self, child: Child) -> None:
        self._ended.append(child)
        self._wake()

    def _wake(self) -> None:
        # A full pipe has told it often enough.
        with contextlib.suppress(BlockingIOError):
            os.write(self._waker, b"\x01")

    def _turn(self, key: str) -> threading.Lock:
        with self._lock:
            return self._turns.setdefault(key, threading.Lock())

    def _remember_served(self) -> None:
        with self._lock:
            self._journal.write((kept.spec, kept.format) for kept in self._kept.values())

    def _remember_cause(self, path: str, cause: RunnerError) -> None:
        with self._lock:
            self._causes[path] = cause
            while len(self._causes) > REMEMBERED_CAUSES:
                self._causes.popitem(last=False)
