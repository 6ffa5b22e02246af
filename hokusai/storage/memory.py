import hashlib
from pathlib import Path

from hokusai.storage.base import ContentDamaged, ContentMissing, ContentStore
from hokusai.storage.trees import Manifest, files_of, manifest_of


class MemoryStore(ContentStore):
    """Content of one process; for tests."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.trees: dict[str, Manifest] = {}

    def put(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        self.blobs[digest] = content
        return digest

    def get(self, digest: str) -> bytes:
        try:
            content = self.blobs[digest]
        except KeyError as error:
            raise ContentMissing("The store holds nothing under this digest.") from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise ContentDamaged("Stored bytes no longer match their digest.", digest=digest)
        return content

    def put_tree(self, folder: Path) -> Manifest:
        manifest = manifest_of(folder)
        for _, path in files_of(folder):
            self.put(path.read_bytes())
        self.trees[manifest.digest] = manifest
        return manifest

    def manifest(self, tree_digest: str) -> Manifest:
        try:
            return self.trees[tree_digest]
        except KeyError as error:
            raise ContentMissing("The store holds nothing under this digest.") from error

    def read_file(self, tree_digest: str, path: str) -> bytes:
        wanted = {file.path: file.sha256 for file in self.manifest(tree_digest).files}
        if path not in wanted:
            raise ContentMissing(f"The artifact holds no {path}.", digest=tree_digest)
        return self.get(wanted[path])

    def verify_tree(self, tree_digest: str) -> Manifest:
        manifest = self.manifest(tree_digest)
        for file in manifest.files:
            self.get(file.sha256)
        return manifest
