"""Main's side of its children: their handles, and the watch over memory, deadlines and ends."""

import contextlib
import logging
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

import orjson

from hokusai.runner import memory, stamp
from hokusai.runner.errors import (
    ModelCrashed,
    ModelOutOfMemory,
    ModelTimeout,
    RunnerError,
    RunnerUnavailable,
)
from hokusai.runner.sandbox.plan import Plan

LOG: Final = logging.getLogger("hokusai.runner")
WATCH_INTERVAL_MS: Final = 20
# An idle child is looked at in one round of so many; many of them would cost what one busy one may.
IDLE_ROUNDS: Final = 5
# A child checks its deadline itself where it can; the watch acts a moment later.
DEADLINE_GRACE_NS: Final = 50_000_000
END_TIMEOUT_S: Final = 5.0
STOPPED: Final = RunnerUnavailable("This version is no longer being served.")


class Child:
    """One running child. `data` talks to it, `status` to its guard; `home` names its parent.

    `on_end` is called by the watch once it has ended, and must return at once.
    """

    def __init__(self, plan: Plan, data: socket.socket, status: int, stamped: int) -> None:
        self.plan = plan
        self.data = data
        self.status = status
        self.stamp = stamped
        self.home = ("", "")
        self.pid = 0
        self.started_at = time.time()
        self.deadline_ns = 0
        self.ended = threading.Event()
        self.on_end: Callable[[Child], None] | None = None
        self._lock = threading.Lock()
        self._cause: RunnerError | None = None
        self._exit: int | None = None
        self._doomed = False

    def begin(self, deadline_s: float) -> None:
        """From now the child must answer within `deadline_s`, until `finish`."""
        self.deadline_ns = time.monotonic_ns() + int(deadline_s * 1e9)

    def finish(self) -> None:
        """The deadline of `begin` no longer counts."""
        self.deadline_ns = 0

    def kill(self, cause: RunnerError) -> None:
        """End it now; `cause` is what its callers hear. The first cause stays."""
        with self._lock:
            self._cause = self._cause or cause
            self._doomed = True
            self._end_now()

    def retire(self, cause: RunnerError) -> None:
        """Hang up, so that it ends after its request; kill it where that takes too long."""
        with self._lock:
            self._cause = self._cause or cause
        self.data.close()
        if not self.ended.wait(END_TIMEOUT_S):
            self.kill(cause)
            self.ended.wait(END_TIMEOUT_S)

    def cause(self) -> RunnerError:
        """Why it ended, once it has."""
        self.ended.wait(END_TIMEOUT_S)
        if self._cause is not None:
            return self._cause
        if self._exit is not None and self._exit < 0:
            name = signal.Signals(-self._exit).name
            return ModelCrashed(f"The model's process was ended by {name}.", signal=name)
        if self._exit is None:
            return ModelCrashed("The model's process ended with the one that had started it.")
        return ModelCrashed(
            f"The model's process ended by itself with status {self._exit}.",
            exit_status=self._exit,
        )

    def hear(self, raw: bytes) -> None:
        """Take a report of the guard; no bytes: it is gone, and the child with it."""
        for line in raw.splitlines():
            report = orjson.loads(line)
            self.pid = report.get("pid", self.pid)
            self._exit = report.get("exit", self._exit)
        with self._lock:
            if not raw:
                self.ended.set()
            elif self._doomed:
                # It was killed before its pid was known.
                self._end_now()

    def works(self) -> bool:
        """Whether it has something to do, its own start included."""
        return bool(self.deadline_ns or not self.pid or stamp.read(self.stamp)[0])

    def overdue(self, now_ns: int) -> bool:
        """Whether it works on something whose deadline has passed."""
        if self.deadline_ns:
            return now_ns > self.deadline_ns + DEADLINE_GRACE_NS
        busy_since, deadline = stamp.read(self.stamp)
        return bool(busy_since) and now_ns > deadline + DEADLINE_GRACE_NS

    def dispose(self) -> None:
        """End it if it lives, and give its descriptors back."""
        if not self.ended.is_set():
            self.kill(STOPPED)
        if self.ended.wait(END_TIMEOUT_S):
            self.close()
            return
        # The watch still reads its descriptors: they stay open rather than be another file's.
        LOG.error("process %s does not end", self.pid)

    def let_go(self, cause: RunnerError) -> None:
        """Let it end after its request, and give its descriptors back."""
        self.retire(cause)
        self.dispose()

    def close(self) -> None:
        """Give the descriptors back; only once nobody watches it."""
        self.data.close()
        os.close(self.status)
        os.close(self.stamp)

    def _end_now(self) -> None:
        if self.ended.is_set() or not self.pid:
            return
        # Only tier C lets a child fork; there nothing else would end what it started.
        for pid in memory.tree_of(self.pid) if self.plan.tier == "C" else [self.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


class Watch:
    """One thread that looks at every child each `WATCH_INTERVAL_MS`."""

    def __init__(self) -> None:
        self._children: dict[int, Child] = {}
        self._poll = select.poll()
        self._lock = threading.Lock()
        self._rounds = 0
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def add(self, child: Child) -> None:
        """Watch `child` until it ends; its guard's reports are read from now on."""
        with self._lock:
            self._children[child.status] = child
            self._poll.register(child.status, select.POLLIN)

    def living(self) -> list[Child]:
        """Children that have not ended."""
        with self._lock:
            return list(self._children.values())

    def _run(self) -> None:
        try:
            while True:
                self._round()
        finally:
            # Without the watch no limit holds: rather no runner than one without limits.
            os.kill(os.getpid(), signal.SIGTERM)

    def _round(self) -> None:
        for descriptor, _ in self._poll.poll(WATCH_INTERVAL_MS):
            self._hear(descriptor)
        now_ns = time.monotonic_ns()
        self._rounds += 1
        everyone = not self._rounds % IDLE_ROUNDS
        for child in self.living():
            if everyone or child.works():
                self._check(child, now_ns)

    def _hear(self, descriptor: int) -> None:
        with self._lock:
            child = self._children[descriptor]
        raw = os.read(descriptor, 4096)
        if not raw:
            with self._lock:
                self._poll.unregister(descriptor)
                del self._children[descriptor]
        child.hear(raw)
        if not raw and child.on_end is not None:
            child.on_end(child)

    def _check(self, child: Child, now_ns: int) -> None:
        limit = child.plan.memory_bytes
        if child.pid and memory.exceeds(child.pid, limit, tier=child.plan.tier):
            child.kill(
                ModelOutOfMemory(
                    f"The model used more than {limit / (1 << 20):.0f} MiB and was stopped.",
                    memory_bytes=limit,
                )
            )
        elif child.overdue(now_ns):
            child.kill(ModelTimeout("The model did not finish in time and was stopped."))
