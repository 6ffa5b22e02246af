import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hokusai.core.errors import Conflict, InvalidInput, NotFound
from hokusai.storehouse.layout import MAX_PARTS

MIB = 1024 * 1024
MAX_UPLOAD_BYTES = 50 * 1024 * MIB
# What S3 demands of every part but the last.
MIN_PART_BYTES = 5 * MIB
USUAL_PART_BYTES = 8 * MIB
# Parts grow before their number does: each costs a link and a request.
USUAL_PARTS = 1_000
MAX_KEY = 512
KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


class UploadNotFound(NotFound):
    """The store knows no such upload, or no such object."""

    code = "upload_not_found"


class PartsMismatch(Conflict):
    """The parts named are not those that the store received."""

    code = "parts_mismatch"


@dataclass(frozen=True, slots=True)
class UploadPart:
    """One received part; `etag` as its upload was answered, without quotes."""

    number: int
    size_bytes: int
    etag: str


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """An upload that was begun and neither completed nor aborted."""

    key: str
    upload_id: str
    began_at: datetime


def part_size(size_bytes: int) -> int:
    """The bytes of every part but the last, for an upload of this size: a whole number of MiB.

    8 MiB, more where that made over 1,000 parts; the last is what remains. Raises InvalidInput
    beyond 50 GiB.
    """
    if not 0 <= size_bytes <= MAX_UPLOAD_BYTES:
        raise InvalidInput("An upload holds at most 50 GiB.", size_bytes=size_bytes)
    return max(USUAL_PART_BYTES, -(-size_bytes // (USUAL_PARTS * MIB)) * MIB)


MAX_PART_BYTES = part_size(MAX_UPLOAD_BYTES)


def check_key(key: str) -> str:
    """The key itself. Raises InvalidInput unless it is names joined by `/`, none led by a dot."""
    if len(key) > MAX_KEY or not KEY.fullmatch(key):
        raise InvalidInput(f"{key[:80]!r} is no key of an upload.")
    return key


def check_number(number: int) -> int:
    """The part's number itself. Raises InvalidInput outside 1 to 10,000."""
    if not 1 <= number <= MAX_PARTS:
        raise InvalidInput(f"Parts are numbered from 1 to {MAX_PARTS}.", number=number)
    return number


class UploadStore(ABC):
    """Takes large files in parts, by links that their sender uses without any other permission.

    A key names one upload and is never used again. Every method may raise StorageUnavailable and,
    for a key that leaves its place, InvalidInput. Every implementation passes
    tests/hokusai/storage/multipart/test_contract.py.
    """

    @abstractmethod
    def begin(self, key: str) -> str:
        """Open an upload; its id."""

    @abstractmethod
    def part_url(self, key: str, upload_id: str, number: int, *, expires_s: int) -> str:
        """A link to which anybody may PUT part `number` (1 to 10,000) for `expires_s` seconds.

        The answer's `ETag` header names what was received; the same number again replaces it.
        """

    @abstractmethod
    def parts(self, key: str, upload_id: str) -> list[UploadPart]:
        """What was received so far, by number. Raises UploadNotFound."""

    def complete(self, key: str, upload_id: str, parts: Iterable[UploadPart]) -> None:
        """Make one object of the parts. Completing it twice is the same as once.

        Raises UploadNotFound, or PartsMismatch where another set of bytes was received.
        """
        chosen = sorted(parts, key=lambda part: part.number)
        if not chosen or len({part.number for part in chosen}) != len(chosen):
            raise PartsMismatch("An upload is completed with one or more parts, each once.")
        try:
            received = {part.number: part for part in self.parts(key, upload_id)}
            if any(received.get(part.number) != part for part in chosen):
                raise PartsMismatch("A part is missing, or was replaced after it was listed.")
            self._join(key, upload_id, chosen)
        except UploadNotFound:
            # The answer of an earlier call may have been lost.
            if self.size(key) != sum(part.size_bytes for part in chosen):
                raise

    @abstractmethod
    def _join(self, key: str, upload_id: str, parts: Sequence[UploadPart]) -> None:
        """Make one object of parts that were received. Raises UploadNotFound, PartsMismatch."""

    @abstractmethod
    def abort(self, key: str, upload_id: str) -> None:
        """Forget an upload and its parts; one that is gone is fine."""

    @abstractmethod
    def unfinished(self) -> Iterator[OpenUpload]:
        """Uploads that were begun and neither completed nor aborted, in no order."""

    @abstractmethod
    def size(self, key: str) -> int:
        """The bytes of a completed upload. Raises UploadNotFound."""

    def download(self, key: str, target: Path) -> None:
        """Write a completed upload to a file; a file that holds its beginning is continued.

        Raises UploadNotFound; after any error the file holds what came so far.
        """
        size_bytes = self.size(key)
        held = target.stat().st_size if target.exists() else 0
        with target.open("r+b" if 0 < held <= size_bytes else "wb") as stream:
            offset = stream.seek(held if held <= size_bytes else 0)
            if offset < size_bytes:
                for chunk in self._read_from(key, offset):
                    stream.write(chunk)

    @abstractmethod
    def _read_from(self, key: str, offset: int) -> Iterator[bytes]:
        """The bytes of an object from `offset` on, which lies inside it."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Remove a completed upload; one that is gone is fine."""
