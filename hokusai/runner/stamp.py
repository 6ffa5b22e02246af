"""Sixteen bytes shared by a child and main: since when it is busy, and until when it may be."""

import mmap
import os
import struct
import tempfile
import time
from typing import Final

FIELDS: Final = struct.Struct("<QQ")


class Stamp:
    """The child's side. Both times are `time.monotonic_ns()`; 0 means idle."""

    def __init__(self, descriptor: int) -> None:
        self._shared = mmap.mmap(descriptor, FIELDS.size)

    def begin(self, deadline_ns: int) -> None:
        """A request begins."""
        FIELDS.pack_into(self._shared, 0, time.monotonic_ns(), deadline_ns)

    def end(self) -> None:
        """The child is idle."""
        FIELDS.pack_into(self._shared, 0, 0, 0)


def create() -> int:
    """A descriptor for both sides; no name is left on disk."""
    with tempfile.TemporaryFile() as file:
        file.truncate(FIELDS.size)
        return os.dup(file.fileno())


def read(descriptor: int) -> tuple[int, int]:
    """(busy since, deadline) in nanoseconds; zeros while idle.

    Read as a file, because a child that shortened a mapping would end main by SIGBUS.
    """
    raw = os.pread(descriptor, FIELDS.size, 0)
    return FIELDS.unpack(raw) if len(raw) == FIELDS.size else (0, 0)
