"""Rows that wait on disk for PostgreSQL: files of lines, each held by the process that writes it.

A file is free once its lock is: when its writer closed it, or was killed. Whoever reads it back
holds the lock meanwhile, and the keys of the rows let none be written twice.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Final

import structlog
from prometheus_client import Counter

log = structlog.get_logger(__name__)
MAX_BYTES: Final = 1 << 30
CHUNK: Final = 1_000
ENDING: Final = ".rows"
SPOOLED = Counter("hokusai_prediction_log_spooled", "Predictions that went to disk for a while")


class Spool:
    """A folder of such files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._own: FileIO | None = None

    def append(self, lines: list[bytes]) -> bool:
        """Keep lines; False where the disk would not take them."""
        if not lines:
            return True
        with self._lock:
            try:
                self._write(b"".join(lines))
            except OSError as error:
                log.warning("prediction_spool_failed", rows=len(lines), error=str(error))
                return False
        SPOOLED.inc(len(lines))
        return True

    def close(self) -> None:
        """Let others read what this process has spooled."""
        with self._lock:
            if self._own is not None:
                self._own.close()
                self._own = None

    def forget(self) -> None:
        """After a fork: the file is the parent's, and so is the lock on it."""
        own, self._own, self._lock = self._own, None, threading.Lock()
        if own is not None:
            own.close()

    def read_back(self) -> Iterator[tuple[Path, Iterator[list[bytes]]]]:
        """Files that nobody writes, with their lines in chunks.

        A file whose chunks were all taken is removed; one that was left halfway stays.
        """
        for path in sorted(self.folder.glob(f"*{ENDING}")):
            with _claimed(path) as file:
                if file is not None:
                    yield path, _chunks(file)
                    if not file.read(1):
                        path.unlink()

    def _write(self, content: bytes) -> None:
        own = self._own or self._new()
        if own.tell() + len(content) > MAX_BYTES:
            raise OSError(f"The spool holds {own.tell()} bytes, which is as many as it may.")
        begin, rest = own.tell(), memoryview(content)
        try:
            while rest:
                rest = rest[own.write(rest) :]
        except OSError:
            # Half a line must not become the beginning of the next.
            own.truncate(begin)
            raise

    def _new(self) -> FileIO:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{time.time_ns()}-{os.getpid()}"
        path = self.folder / f"{name}.new"
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
        own = FileIO(handle, "ab")
        # Nobody may find it under its name before the lock is there.
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.rename(self.folder / f"{name}{ENDING}")
        self._own = own
        return own


@contextmanager
def _claimed(path: Path) -> Iterator[BinaryIO | None]:
    """The file, locked; None where another process has it, or has just removed it."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        yield None
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield file if os.fstat(file.fileno()).st_nlink else None


def _chunks(file: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Whole lines; the last one of a machine that lost power may be half."""
    chunk: list[bytes] = []
    for line in file:
        if line.endswith(b"\n"):
            chunk.append(line)
        if len(chunk) >= CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
