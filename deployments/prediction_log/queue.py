"""The way into the log: a bounded queue within the process that answers."""

import threading
from collections import deque
from collections.abc import Callable
from random import random
from typing import Final

from prometheus_client import Counter

from deployments.prediction_log.entry import Entry

MAX_ENTRIES: Final = 20_000
MAX_BYTES: Final = 64 << 20
BATCH: Final = 500
FAILED: Final = 400
DROPPED = Counter(
    "hokusai_prediction_log_dropped",
    "Predictions that are missing in the log, because nothing could take them",
)


class PredictionQueue:
    """Entries on their way to whoever writes them.

    `begin` is called by the first entry. `overflow` is given what finds no room of a deployment
    that must lose nothing; of others that is counted and gone.
    """

    def __init__(self, begin: Callable[[], None], overflow: Callable[[Entry], None]) -> None:
        self._begin, self._overflow = begin, overflow
        self.reset()

    def reset(self) -> None:
        """Start empty; also in a process that was forked from one with entries."""
        self._waiting: deque[Entry] = deque()
        # Of deployments that must lose none.
        self._sure: deque[Entry] = deque()
        self._bytes = 0
        self._begun = self._closed = False
        self.ring = threading.Event()

    def put(self, entry: Entry) -> None:
        """Hand a prediction to the log; waits for nobody and raises nothing."""
        policy = entry.target.policy
        if entry.status < FAILED and policy.log_sample < 1 and random() >= policy.log_sample:  # noqa: S311
            return
        queue = self._sure if policy.log_every_row else self._waiting
        size = len(queue)
        if size >= MAX_ENTRIES or self._bytes > MAX_BYTES or self._closed:
            self._full(entry)
            return
        queue.append(entry)
        # Two threads may lose a count between them; it begins anew with each emptied queue.
        self._bytes += len(entry.body) + len(entry.answer)
        if size == BATCH:
            self.ring.set()
        if not self._begun:
            self._begun = True
            self._begin()

    def take(self, limit: int, *, sure_only: bool = False) -> tuple[list[Entry], list[Entry]]:
        """At most `limit` of each kind, oldest first: entries that must not be lost, and others."""
        sure = _popped(self._sure, limit)
        others = [] if sure_only else _popped(self._waiting, limit)
        if not self._sure and not self._waiting:
            self._bytes = 0
        else:
            taken = sum(len(entry.body) + len(entry.answer) for entry in (*sure, *others))
            self._bytes = max(0, self._bytes - taken)
        return sure, others

    def close(self) -> None:
        """From now on nobody takes entries out: all of them overflow."""
        self._closed = True

    def begin_again(self) -> None:
        """Let the next entry begin: whoever took entries out is gone."""
        self._begun = False

    def __len__(self) -> int:
        return len(self._sure) + len(self._waiting)

    def _full(self, entry: Entry) -> None:
        if entry.target.policy.log_every_row or self._closed:
            self._overflow(entry)
        else:
            DROPPED.inc()


def _popped(queue: deque[Entry], limit: int) -> list[Entry]:
    taken: list[Entry] = []
    while queue and len(taken) < limit:
        taken.append(queue.popleft())
    return taken
