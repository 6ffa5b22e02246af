"""The thread of each answering process that brings its predictions into PostgreSQL."""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from functools import cached_property
from hashlib import blake2b
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Final

import psycopg
import structlog
from django.conf import settings
from prometheus_client import Counter

from deployments.prediction_log import table
from deployments.prediction_log.encoding import Encoder
from deployments.prediction_log.entry import Entry
from deployments.prediction_log.queue import BATCH, DROPPED, PredictionQueue
from deployments.prediction_log.spool import Spool

log = structlog.get_logger(__name__)
FLUSH_S: Final = 0.2
# Longer than a turn of requests that wait for the interpreter may not be taken from them.
YIELD_ROWS: Final = 16
AWAY_S: Final = (0.5, 5.0)
SPOOL_EVERY_S: Final = 10.0
# Below what the web server grants its processes when they are to end.
DRAIN_S: Final = 3.0
WRITTEN = Counter("hokusai_prediction_log_written", "Predictions written to the log")


class Writer:
    """Takes entries from its queue to PostgreSQL or, while that is away, to disk."""

    def __init__(self) -> None:
        self.queue = PredictionQueue(self.begin, self.overflow)
        self._connection: table.Connection | None = None
        self._reset()

    def _reset(self) -> None:
        self._thread: threading.Thread | None = None
        self._ending = False
        # Lines that are being sent, and lines whose sending broke off.
        self._sure: list[bytes] = []
        self._others: list[bytes] = []
        self._unsent: list[bytes] = []
        self._retry_at, self._pause_s, self._is_away = 0.0, AWAY_S[0], False
        self._look_at = 0.0
        self._writing = threading.Lock()

    @cached_property
    def encoder(self) -> Encoder:
        key = blake2b(b"prediction log", key=settings.SECRET_KEY.encode()[:64]).digest()
        return Encoder(key=key, payload_bytes=settings.PREDICTION_LOG_PAYLOAD_BYTES)

    @cached_property
    def spool(self) -> Spool:
        return Spool(Path(settings.PREDICTION_SPOOL))

    def begin(self) -> None:
        """Start the thread; called by a process's first prediction, so after every fork."""
        if not settings.PREDICTION_LOG_WRITER:
            return
        thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            self.queue.begin_again()
            log.warning("prediction_log_not_begun", error=str(error))
            return
        self._thread = thread
        # Runs at the end of the interpreter and of processes that the server forked.
        Finalize(None, self.drain, exitpriority=100)

    def overflow(self, entry: Entry) -> None:
        """Write an entry to disk while its request waits: no room is left, none may be lost."""
        self._to_disk(self._lines([entry]))

    def after_fork(self) -> None:
        """Leave everything to the parent: its entries, its connection, its file."""
        if "spool" in self.__dict__:
            self.spool.forget()
        self.__dict__.pop("encoder", None)
        # Of another process, so that dropping it says no good-bye on it.
        self._connection = None
        self.queue.reset()
        self._reset()

    def flush(self) -> None:
        """Write what is waiting; returns when the queue is empty or PostgreSQL is away."""
        with self._writing:
            self._read_back()
            while True:
                away = self._away()
                # Others wait in the queue, which is bounded, until the broken ones are through.
                sure, others = self.queue.take(BATCH, sure_only=away or bool(self._unsent))
                if not (sure or others) and (away or not self._unsent):
                    return
                self._sure, self._others = self._lines(sure), self._lines(others)
                if away or not self._sent():
                    self._to_disk(self._sure)
                    self._unsent += self._others
                self._sure, self._others = [], []

    def drain(self) -> None:
        """Write what is waiting and end; what PostgreSQL does not take in time goes to disk."""
        self._ending = True
        self.queue.ring.set()
        if self._thread is not None:
            self._thread.join(DRAIN_S)
        self.queue.close()
        left = [*self._sure, *self._others, *self._unsent]
        while len(self.queue):
            sure, others = self.queue.take(BATCH)
            left += self._lines([*sure, *others])
        self._to_disk(left)
        if left:
            log.warning("prediction_log_left_on_disk", rows=len(left))

    def close(self) -> None:
        """Give back the connection and the file."""
        self._disconnect()
        self.spool.close()

    def _run(self) -> None:
        try:
            while not self._ending:
                self.queue.ring.wait(FLUSH_S)
                self.queue.ring.clear()
                self.flush()
            self.flush()
            self.close()
        finally:
            self.queue.begin_again()

    def _away(self) -> bool:
        return self._is_away and time.monotonic() < self._retry_at

    def _lines(self, entries: Sequence[Entry]) -> list[bytes]:
        lines = []
        for number, entry in enumerate(entries):
            if number % YIELD_ROWS == 0:
                time.sleep(0)
            try:
                lines.append(self.encoder.line(entry))
            except (TypeError, ValueError, OverflowError, RecursionError) as error:
                DROPPED.inc()
                log.warning("prediction_not_encoded", error=repr(error), id=entry.request_id)
        return lines

    def _to_disk(self, lines: list[bytes]) -> None:
        if not self.spool.append(lines):
            DROPPED.inc(len(lines))

    def _sent(self) -> bool:
        """Whether PostgreSQL took the lines at hand, those first whose sending broke off."""
        fresh = [*self._sure, *self._others]
        try:
            if self._connection is None:
                self._connection = table.connect()
            if self._unsent:
                # Nobody knows whether they arrived.
                table.insert(self._connection, self._unsent)
                WRITTEN.inc(len(self._unsent))
                self._unsent = []
            if fresh:
                table.copy(self._connection, fresh)
                WRITTEN.inc(len(fresh))
        except psycopg.Error as error:
            self._lost(error)
            return False
        self._found()
        return True

    def _lost(self, error: psycopg.Error) -> None:
        self._disconnect()
        if not self._is_away:
            log.error(
                "prediction_log_away",
                error=str(error).strip(),
                waiting=len(self.queue) + len(self._unsent),
            )
            self._pause_s = AWAY_S[0]
        self._is_away = True
        self._retry_at = time.monotonic() + self._pause_s
        self._pause_s = min(2 * self._pause_s, AWAY_S[1])

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _found(self) -> None:
        if self._is_away:
            self._is_away, self._look_at = False, 0.0
            log.info("prediction_log_back", waiting=len(self.queue))

    def _read_back(self) -> None:
        """Bring what lies on disk into PostgreSQL, now and then, also what others left there."""
        if self._is_away or time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + SPOOL_EVERY_S
        self.spool.close()
        try:
            for path, chunks in self.spool.read_back():
                log.info("prediction_spool_read", file=path.name, rows=self._insert(chunks))
        except psycopg.Error as error:
            self._lost(error)
        except OSError as error:
            log.warning("prediction_spool_unread", error=str(error))

    def _insert(self, chunks: Iterator[list[bytes]]) -> int:
        rows = 0
        for lines in chunks:
            if self._connection is None:
                self._connection = table.connect()
            table.insert(self._connection, lines)
            rows += len(lines)
        return rows


writer = Writer()
os.register_at_fork(after_in_child=writer.after_fork)
put = writer.queue.put


def read_spool() -> None:
    """Bring what processes that are gone left on disk into PostgreSQL; for the schedule."""
    other = Writer()
    try:
        other.flush()
    finally:
        other.close()
