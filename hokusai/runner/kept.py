"""One served key: its door, its child if one lives, and what became of those before."""

import threading
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from socket import socket
from typing import Any

from hokusai.runner import doors, stamp
from hokusai.runner.children import STOPPED, Child
from hokusai.runner.crashes import Crashes, Pace
from hokusai.runner.errors import ModelCrashed, RunnerError, RunnerUnavailable
from hokusai.runner.spec import Spec
from hokusai.runner.stamp import Counters


class State(StrEnum):
    """How a served key is."""

    RUNNING = "running"
    IDLE = "idle"
    STARTING = "starting"
    BACKING_OFF = "backing_off"


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a child does: `busy_since` and `deadline_ns` of `time.monotonic_ns`, requests so far.

    `ready_at`: since when it answers, of `time.monotonic`.
    """

    child: Child
    busy_since: int
    deadline_ns: int
    requests: int
    ready_at: float


class Kept:
    """Main's record of one served key. Times are of `time.monotonic`.

    `turn` is held by whoever starts, replaces or ends its child, for as long as that takes.
    """

    def __init__(self, spec: Spec, path: Path, pace: Pace, model_format: str = "") -> None:
        self.spec = spec
        self.path = path
        self.format = model_format
        self.stated: dict[str, Any] | None = None
        self.listener = doors.open_door(path)
        self.turn = threading.RLock()
        self._pace = pace
        # For moments only. A child's descriptors are read under it, because they are closed
        # once the child is no longer found here.
        self._lock = threading.Lock()
        self._closed = False
        self._child: Child | None = None
        self._loading: Child | None = None
        self._begun_at = 0.0
        self._ready_at = 0.0
        self._used_at = 0.0
        self._seen_requests = 0
        self._crashes = Crashes(pace)
        self._past = Counters()

    def living(self) -> Child | None:
        """The child that answers."""
        with self._lock:
            return self._child

    def door(self) -> socket:
        """A handle of the listening socket, for a child to inherit; RunnerUnavailable if closed."""
        with self._lock:
            if self._closed:
                raise RunnerUnavailable(STOPPED.message)
            return self.listener.dup()

    def wait_s(self, now: float) -> float:
        """How long to leave callers at the door, for the end of a short pause or of loading."""
        with self._lock:
            if self._begun_at:
                return max(0.0, self._begun_at + self._pace.loading_s - now)
            left = self._crashes.left_s(now)
            return left if left <= self._pace.patience_s else 0.0

    def refusal(self, now: float) -> RunnerUnavailable | None:
        """What callers hear now; None where a child may be started for them."""
        with self._lock:
            left, cause = self._crashes.left_s(now), self._crashes.cause
            if self._begun_at:
                return RunnerUnavailable("This version is being started.", retry_after_s=1.0)
            if not left:
                return None
            return RunnerUnavailable(
                f"This version cannot answer and is tried again in {left:.1f} s.",
                retry_after_s=round(left, 3),
                cause=cause.code if cause else "",
            )

    def begin(self, now: float) -> bool:
        """Whether a child is to be started; from now on one is."""
        with self._lock:
            if self._closed or self._child is not None or self._begun_at:
                return False
            self._begun_at = now
            return True

    def loads(self, child: Child) -> None:
        """A child exists and loads its model."""
        with self._lock:
            self._loading, closed = child, self._closed
        if closed:
            child.kill(STOPPED)

    def took(self, child: Child, stated: dict[str, Any], spec: Spec | None = None) -> Child | None:
        """`child` answers from now on; the one before it, which now must go.

        With `spec`: another model, for which all is counted anew.
        """
        now = time.monotonic()
        with self._lock:
            old, self._child, self._loading = self._child, child, None
            if spec is not None:
                self.spec, self._past, self._crashes = spec, Counters(), Crashes(self._pace)
            if old is not None:
                self._crashes.rested(now)
            self._crashes.started()
            self._begun_at, self._seen_requests = 0.0, 0
            self._ready_at = self._used_at = now
            self.stated, self.format = stated, child.plan.format
        return old

    def failed(self, error: RunnerError) -> None:
        """No child could be started."""
        with self._lock:
            self._loading, self._begun_at = None, 0.0
            if not self._closed:
                self._crashes.crashed(error, time.monotonic(), lived_s=0.0)

    def ended(self, child: Child) -> bool:
        """Its child ended by itself; False where `child` is not its child."""
        now = time.monotonic()
        with self._lock:
            if child is not self._child:
                return False
            self._child = None
            self._past += stamp.counters(child.stamp)
            self._crashes.crashed(child.cause(), now, lived_s=now - self._ready_at)
            return True

    def mend(self) -> None:
        """A child shut the door for everyone: end it; where it ended, open another door."""
        with self._lock:
            child = self._child
            if child is None and not self._closed:
                self.listener.close()
                self.listener = doors.open_door(self.path)
        if child is not None:
            child.kill(ModelCrashed("The model's process shut the socket it answers at."))

    def rest(self, now: float) -> Child | None:
        """Let go of a child that had nothing to do for `idle_s`; None where it had, or has none."""
        with self._lock:
            child = self._child
            if child is None or not self.spec.idle_s:
                return None
            done = stamp.counters(child.stamp)
            if done.requests != self._seen_requests or stamp.read(child.stamp)[0]:
                self._seen_requests, self._used_at = done.requests, now
            if now - self._used_at < self.spec.idle_s:
                return None
            self._child = None
            self._past += done
            self._crashes.rested(now)
            return child

    def close(self) -> Child | None:
        """No longer serve; the child that now must go."""
        with self._lock:
            self._closed = True
            child, self._child = self._child, None
            loading, self._loading = self._loading, None
            self.listener.close()
            self.path.unlink(missing_ok=True)
        if loading is not None:
            loading.kill(STOPPED)
        return child

    def told(self, since: float) -> tuple[RunnerError | None, bool] | None:
        """Why a child ended after `since`, and whether to simply ask again; None if none did."""
        with self._lock:
            if not self._crashes.ended_since(since):
                return None
            return self._crashes.cause, self._crashes.cause is None

    def pulse(self) -> Pulse | None:
        """What its child does at this moment; None where it has none."""
        with self._lock:
            child = self._child
            if child is None:
                return None
            done = stamp.counters(child.stamp).requests
            return Pulse(child, *stamp.read(child.stamp), done, self._ready_at)

    def restarts(self) -> int:
        """How many children followed a crash."""
        with self._lock:
            return self._crashes.restarts

    def stats(self, now: float) -> dict[str, Any]:
        """What `ChildStats` says, but for memory and tier."""
        with self._lock:
            child, seen = self._child, self._past
            if child is not None:
                seen += stamp.counters(child.stamp)
            return {
                "key": self.spec.key,
                "project": self.spec.project,
                "tree_digest": self.spec.tree_digest,
                "converted_digest": self.spec.converted_digest,
                "format": self.format,
                "state": self._state(now),
                "socket_path": str(self.path),
                "pid": child.pid if child else 0,
                "started_at": child.started_at if child else 0.0,
                "busy": bool(child and stamp.read(child.stamp)[0]),
                "restarts": self._crashes.restarts,
                "last_error": self._crashes.last_error,
                "requests": seen.requests,
                "errors": seen.errors,
                "batches": seen.batches,
                "rows": seen.rows,
                "p50_ms": seen.p50_ms,
                "p95_ms": seen.p95_ms,
            }

    def _state(self, now: float) -> State:
        if self._child is not None:
            return State.RUNNING
        if self._begun_at:
            return State.STARTING
        return State.BACKING_OFF if self._crashes.left_s(now) else State.IDLE
