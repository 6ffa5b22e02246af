import hashlib
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from hokusai.storage.base import (
    ContentDamaged,
    ContentMissing,
    ContentStore,
    Kind,
    StoredObject,
    checked_digest,
)
from hokusai.storage.local import LocalStore
from hokusai.storage.trees import Manifest, files_of, manifest_of


class MemoryStore(ContentStore):
    """Content of one process; for tests. Links begin with `memory://` and lead nowhere."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.trees: dict[str, Manifest] = {}
        self.kept_at: dict[tuple[str, str], datetime] = {}

    def put(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        self.blobs[digest] = content
        self.kept_at["blob", digest] = datetime.now(UTC)
        return digest

    def put_file(self, path: Path) -> str:
        return self.put(path.read_bytes())

    def get(self, digest: str) -> bytes:
        try:
            content = self.blobs[digest]
        except KeyError as error:
            raise ContentMissing("The store holds nothing under this digest.") from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise ContentDamaged("Stored bytes no longer match their digest.", digest=digest)
        return content

    def verify(self, digest: str) -> int:
        return len(self.get(digest))

    def put_tree(self, folder: Path) -> Manifest:
        manifest = manifest_of(folder)
        for _, path in files_of(folder):
            self.put(path.read_bytes())
        self.trees[manifest.digest] = manifest
        self.kept_at["tree", manifest.digest] = datetime.now(UTC)
        return manifest

    def manifest(self, tree_digest: str) -> Manifest:
        try:
            return self.trees[tree_digest]
        except KeyError as error:
            raise ContentMissing("The store holds nothing under this digest.") from error

    def verify_tree(self, tree_digest: str) -> Manifest:
        manifest = self.manifest(tree_digest)
        for file in manifest.files:
            self.get(file.sha256)
        return manifest

    def materialise(self, tree_digest: str) -> Path:
        manifest = self.verify_tree(tree_digest)
        disk = LocalStore(root=self._folder.name)
        for file in manifest.files:
            disk.put(self.get(file.sha256))
        return disk.lay_out(manifest)

    def blob_url(self, digest: str, *, filename: str, expires_s: int) -> str:
        return f"memory://blobs/{checked_digest(digest)}?filename={quote(filename)}&expires_s={expires_s}"

    def stored(self) -> Iterator[StoredObject]:
        for digest, content in list(self.blobs.items()):
            yield StoredObject("blob", digest, len(content), self._kept_at("blob", digest))
        for digest, manifest in list(self.trees.items()):
            size_bytes = len(manifest.content)
            yield StoredObject("tree", digest, size_bytes, self._kept_at("tree", digest))

    def remove(self, kind: Kind, digest: str, *, unless_since: datetime | None = None) -> bool:
        held: dict[str, bytes] | dict[str, Manifest] = self.trees if kind == "tree" else self.blobs
        if kind == "draft" or digest not in held:
            return False
        if unless_since is not None and self._kept_at(kind, digest) >= unless_since:
            return False
        del held[digest]
        return True

    def _kept_at(self, kind: Kind, digest: str) -> datetime:
        return self.kept_at.get((kind, digest), datetime.fromtimestamp(0, UTC))

    @cached_property
    def _folder(self) -> "tempfile.TemporaryDirectory[str]":
        """Where trees are laid out; gone with the store."""
        return tempfile.TemporaryDirectory(prefix="hokusai-memory-store-")
