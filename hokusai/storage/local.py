import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path

from hokusai.storage.base import ContentDamaged, ContentMissing, ContentStore
from hokusai.storage.trees import Manifest, TreeFile, file_digest, files_of, manifest_of

READ_ONLY = 0o444
FOLDER = 0o755


class LocalStore(ContentStore):
    """Content on this machine's disk, laid out as the runner reads it.

    blobs/ab/<sha256>                      every file once
    trees/<tree digest>/manifest.json      and files/<path>, hard links into blobs
    """

    def __init__(self, *, root: str) -> None:
        self.root = Path(root)

    def put(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        target = self._blob(digest)
        if not target.exists():
            with self._new_file(target) as stream:
                stream.write(content)
        return digest

    def get(self, digest: str) -> bytes:
        content = self._read(self._blob(digest))
        if hashlib.sha256(content).hexdigest() != digest:
            raise ContentDamaged("Stored bytes no longer match their digest.", digest=digest)
        return content

    def put_tree(self, folder: Path) -> Manifest:
        manifest = manifest_of(folder)
        target = self._tree(manifest.digest)
        if target.is_dir():
            return manifest
        places = dict(files_of(folder))
        for file in manifest.files:
            self._keep_file(places[file.path], file.sha256)
        self._link_tree(manifest, target)
        return manifest

    def manifest(self, tree_digest: str) -> Manifest:
        content = self._read(self._tree(tree_digest) / "manifest.json")
        if hashlib.sha256(content).hexdigest() != tree_digest:
            raise ContentDamaged("The manifest no longer matches its digest.", digest=tree_digest)
        return Manifest(tuple(TreeFile(**entry) for entry in json.loads(content)["files"]))

    def read_file(self, tree_digest: str, path: str) -> bytes:
        wanted = {file.path: file.sha256 for file in self.manifest(tree_digest).files}
        if path not in wanted:
            raise ContentMissing(f"The artifact holds no {path}.", digest=tree_digest)
        return self.get(wanted[path])

    def verify_tree(self, tree_digest: str) -> Manifest:
        manifest = self.manifest(tree_digest)
        for file in manifest.files:
            path = self._tree(tree_digest) / "files" / file.path
            if not path.is_file() or file_digest(path) != file.sha256:
                raise ContentDamaged(f"{file.path} no longer matches.", digest=tree_digest)
        return manifest

    def _blob(self, digest: str) -> Path:
        return self.root / "blobs" / digest[:2] / digest

    def _tree(self, digest: str) -> Path:
        return self.root / "trees" / digest

    def _read(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ContentMissing("The store holds nothing under this digest.") from error

    def _keep_file(self, source: Path, digest: str) -> None:
        target = self._blob(digest)
        if not target.exists():
            with source.open("rb") as reader, self._new_file(target) as stream:
                shutil.copyfileobj(reader, stream)

    def _new_file(self, target: Path) -> "_NewFile":
        target.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER)
        return _NewFile(target)

    def _link_tree(self, manifest: Manifest, target: Path) -> None:
        """Build the tree beside its place and rename it there, so that no half tree is seen."""
        target.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER)
        draft = Path(tempfile.mkdtemp(dir=target.parent, prefix=".draft-"))
        for file in manifest.files:
            place = draft / "files" / file.path
            place.parent.mkdir(parents=True, exist_ok=True)
            os.link(self._blob(file.sha256), place)
        (draft / "manifest.json").write_bytes(manifest.content)
        (draft / "manifest.json").chmod(READ_ONLY)
        draft.chmod(FOLDER)
        try:
            draft.rename(target)
        except OSError:
            shutil.rmtree(draft)
            # Where somebody else was first, the tree is the same, for its name is its digest.
            if not target.is_dir():
                raise


class _NewFile:
    """Writes beside the target, syncs, renames: a crash leaves no half file under a digest."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __enter__(self) -> "tempfile._TemporaryFileWrapper[bytes]":
        self.stream = tempfile.NamedTemporaryFile(
            dir=self.target.parent, prefix=".draft-", delete=False
        )
        return self.stream

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        draft = Path(self.stream.name)
        if error is not None:
            self.stream.close()
            draft.unlink()
            return
        self.stream.flush()
        os.fsync(self.stream.fileno())
        self.stream.close()
        draft.chmod(READ_ONLY)
        draft.replace(self.target)
