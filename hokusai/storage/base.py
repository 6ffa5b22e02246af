import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from hokusai.core.errors import OutsideError, OutsideUnavailable
from hokusai.storage.trees import Manifest, check_path
from hokusai.storehouse.layout import DIGEST

Kind = Literal["blob", "tree", "draft"]


class ContentMissing(OutsideError):
    """The store does not hold this digest."""

    code = "content_missing"


class ContentDamaged(OutsideError):
    """What the store holds under a digest has another digest."""

    code = "content_damaged"


class StorageUnavailable(OutsideUnavailable):
    """The store did not answer, or is not set up for this; nothing is known about the content."""

    code = "storage_unavailable"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One thing in a store, as a listing shows it.

    A tree's size is its manifest's; its files are blobs. A draft is what a writer that was killed
    left behind: its `digest` is the name by which the store removes it.
    """

    kind: Kind
    digest: str
    size_bytes: int
    modified_at: datetime


def checked_digest(digest: str) -> str:
    """The digest itself. Raises ContentMissing for what is none, so that no name leads outside."""
    if not DIGEST.fullmatch(digest):
        raise ContentMissing("A digest is 64 hexadecimal digits.", digest=digest[:80])
    return digest


class ContentStore(ABC):
    """Keeps bytes under their own digest, once, and gives back only what still matches.

    Keeping what is there already makes it new again for `stored`, and whole where it was damaged.
    Every method may raise StorageUnavailable. Every implementation passes
    tests/hokusai/storage/test_contract.py.
    """

    @abstractmethod
    def put(self, content: bytes) -> str:
        """Keep a blob; its sha256. Keeping it twice is the same as once."""

    @abstractmethod
    def put_file(self, path: Path) -> str:
        """Keep a file as a blob without holding it in memory; its sha256.

        Raises ContentDamaged where the file changes meanwhile.
        """

    @abstractmethod
    def get(self, digest: str) -> bytes:
        """A blob. Raises ContentMissing, or ContentDamaged where the bytes do not match."""

    def bring(self, digest: str, target: Path) -> None:
        """Put a blob at a place on this machine's disk, to be read there and never written.

        Raises ContentMissing or ContentDamaged.
        """
        target.write_bytes(self.get(digest))

    @abstractmethod
    def verify(self, digest: str) -> int:
        """Read every byte of a blob again; its size. Raises ContentMissing or ContentDamaged."""

    @abstractmethod
    def put_tree(self, folder: Path) -> Manifest:
        """Keep a folder of files under its tree digest. Raises TreeRefused, ContentDamaged."""

    def put_files(self, files: Mapping[str, bytes]) -> str:
        """Keep files, by path, as one tree; its digest. Raises TreeRefused, ContentDamaged."""
        with tempfile.TemporaryDirectory(prefix="hokusai-made-") as name:
            for path, content in files.items():
                target = Path(name) / check_path(path)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            return self.put_tree(Path(name)).digest

    @abstractmethod
    def manifest(self, tree_digest: str) -> Manifest:
        """What a tree holds. Raises ContentMissing or ContentDamaged."""

    def read_file(self, tree_digest: str, path: str) -> bytes:
        """One file of a tree. Raises ContentMissing or ContentDamaged."""
        wanted = {file.path: file.sha256 for file in self.manifest(tree_digest).files}
        if path not in wanted:
            raise ContentMissing(f"The artifact holds no {path}.", digest=tree_digest)
        return self.get(wanted[path])

    @abstractmethod
    def verify_tree(self, tree_digest: str) -> Manifest:
        """Read every byte of a tree again. Raises ContentMissing or ContentDamaged."""

    @abstractmethod
    def materialise(self, tree_digest: str) -> Path:
        """The folder with a tree's files on this machine, every byte proven.

        Laid out as the runner reads it: it is `<root>/trees/<digest>/files` and belongs to the
        store. Raises ContentMissing or ContentDamaged.
        """

    @abstractmethod
    def blob_url(self, digest: str, *, filename: str, expires_s: int) -> str:
        """A link by which anybody may fetch a blob as a download for `expires_s` seconds.

        The link is made without looking whether the blob is there.
        """

    @abstractmethod
    def stored(self) -> Iterator[StoredObject]:
        """Everything that the store holds, in no order."""

    @abstractmethod
    def remove(self, kind: Kind, digest: str, *, unless_since: datetime | None = None) -> bool:
        """Remove one object; False where it is gone, or was kept anew since `unless_since`."""
