"""Reading zip files of unknown origin, member by member, within limits and never to disk.

A zip bomb is refused by what it declares: zipfile gives out no more bytes than a member declares,
and refuses a member whose checksum differs. Only stored and deflated members are read; other
methods may unpack a few bytes into gigabytes at once.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

CHUNK_BYTES: Final = 1024 * 1024
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED: Final = 0x1
_END: Final = b"PK\x05\x06"
_END_SIZE: Final = 22
_END64: Final = b"PK\x06\x06"
# An entry has 46 bytes and its name and extras; honest names are shorter than this.
_ENTRY_BYTES: Final = 512
_TAIL_BYTES: Final = _END_SIZE + 0xFFFF + 76


class ArchiveRefused(ValueError):
    """The archive is damaged, or larger than it may be."""


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """Bounds of one archive. The ratio (unpacked to packed) counts from `ratio_from_bytes` on."""

    max_members: int = 50_000
    max_total_bytes: int = 64 * 1024**3
    max_ratio: int = 200
    ratio_from_bytes: int = 16 * 1024**2


@dataclass(frozen=True, slots=True)
class Member:
    """One file in the archive; `size_bytes` unpacked."""

    name: str
    size_bytes: int


class Archive:
    """An opened zip file: `members` in the archive's order, their bytes by name."""

    def __init__(self, path: Path, limits: ArchiveLimits | None = None) -> None:
        """Raises ArchiveRefused, OSError."""
        self._limits = limits or ArchiveLimits()
        _check_directory(path, self._limits)
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError) as error:
            raise ArchiveRefused(f"It is no readable zip file: {error}") from error
        try:
            self.members = self._checked(path.stat().st_size)
        except ArchiveRefused:
            self._zip.close()
            raise

    def __enter__(self) -> "Archive":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zip.close()

    def stream(self, name: str) -> Iterator[bytes]:
        """The member's bytes by chunks. Raises ArchiveRefused where they are damaged."""
        try:
            with self._zip.open(name) as source:
                while chunk := source.read(CHUNK_BYTES):
                    yield chunk
        except (
            zipfile.BadZipFile,
            EOFError,
            KeyError,
            RuntimeError,
            ValueError,
            zlib.error,
        ) as error:
            raise ArchiveRefused(f"The member {name!r} cannot be read: {error}") from error

    def read(self, name: str, max_bytes: int) -> bytes:
        """A member as a whole. Raises ArchiveRefused beyond `max_bytes`."""
        content = bytearray()
        for chunk in self.stream(name):
            content += chunk
            if len(content) > max_bytes:
                raise ArchiveRefused(f"The member {name!r} has more than {max_bytes} bytes.")
        return bytes(content)

    def head(self, name: str, size_bytes: int) -> bytes:
        """The first bytes of a member. Raises ArchiveRefused."""
        return next(self.stream(name), b"")[:size_bytes]

    def _checked(self, file_bytes: int) -> list[Member]:
        infos = [info for info in self._zip.infolist() if not info.is_dir()]
        names = [info.filename for info in infos]
        if len(names) > self._limits.max_members:
            raise ArchiveRefused(f"It has more than {self._limits.max_members} members.")
        if len(set(names)) != len(names):
            raise ArchiveRefused("Two members have the same name.")
        for info in infos:
            if info.flag_bits & _ENCRYPTED:
                raise ArchiveRefused(f"The member {info.filename!r} is encrypted.")
            if info.compress_type not in _METHODS:
                raise ArchiveRefused(f"The member {info.filename!r} is packed in an unbounded way.")
        self._check_sizes(infos, file_bytes)
        return [Member(info.filename, info.file_size) for info in infos]

    def _check_sizes(self, infos: list[zipfile.ZipInfo], file_bytes: int) -> None:
        total, limits = sum(info.file_size for info in infos), self._limits
        if total > limits.max_total_bytes:
            raise ArchiveRefused(f"Unpacked it has more than {limits.max_total_bytes} bytes.")
        if total > limits.ratio_from_bytes and total > limits.max_ratio * file_bytes:
            raise ArchiveRefused(f"It unpacks to more than {limits.max_ratio} times its size.")


def is_zip(path: Path) -> bool:
    """Whether a zip reader would open the file, whatever its name or first bytes."""
    return zipfile.is_zipfile(path)


def _check_directory(path: Path, limits: ArchiveLimits) -> None:
    """The directory is read at once by zipfile; refuse a huge one before that."""
    with path.open("rb") as source:
        source.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        tail = source.read()
    if _directory_bytes(tail) > limits.max_members * _ENTRY_BYTES:
        raise ArchiveRefused(f"It has more than {limits.max_members} members.")


def _directory_bytes(tail: bytes) -> int:
    """The size of the central directory, by the record that ends the file (APPNOTE 4.3)."""
    wide, end = tail.rfind(_END64), tail.rfind(_END)
    if wide >= 0 and len(tail) >= wide + 48:
        return int(struct.unpack_from("<Q", tail, wide + 40)[0])
    if end >= 0 and len(tail) >= end + _END_SIZE:
        return int(struct.unpack_from("<I", tail, end + 12)[0])
    return 0
