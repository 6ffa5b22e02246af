from abc import ABC, abstractmethod
from pathlib import Path

from hokusai.core.errors import OutsideError
from hokusai.storage.trees import Manifest


class ContentMissing(OutsideError):
    """The store does not hold this digest."""

    code = "content_missing"


class ContentDamaged(OutsideError):
    """What the store holds under a digest has another digest."""

    code = "content_damaged"


class ContentStore(ABC):
    """Keeps bytes under their own digest, once, and gives back only what still matches.

    Every implementation passes tests/hokusai/storage/test_contract.py.
    """

    @abstractmethod
    def put(self, content: bytes) -> str:
        """Keep a blob; its sha256. Keeping it twice is the same as once."""

    @abstractmethod
    def get(self, digest: str) -> bytes:
        """A blob. Raises ContentMissing, or ContentDamaged where the bytes do not match."""

    @abstractmethod
    def put_tree(self, folder: Path) -> Manifest:
        """Keep a folder of files under its tree digest. Raises TreeRefused."""

    @abstractmethod
    def manifest(self, tree_digest: str) -> Manifest:
        """What a tree holds. Raises ContentMissing or ContentDamaged."""

    @abstractmethod
    def read_file(self, tree_digest: str, path: str) -> bytes:
        """One file of a tree. Raises ContentMissing or ContentDamaged."""

    @abstractmethod
    def verify_tree(self, tree_digest: str) -> Manifest:
        """Read every byte of a tree again. Raises ContentMissing or ContentDamaged."""
