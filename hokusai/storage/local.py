import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from hokusai.storage.base import (
    ContentDamaged,
    ContentMissing,
    ContentStore,
    Kind,
    StorageUnavailable,
    StoredObject,
    checked_digest,
)
from hokusai.storage.drafts import FOLDER, READ_ONLY, NewFile, link_or_copy, new_folder
from hokusai.storage.shelf import Shelf
from hokusai.storage.trees import CHUNK, Manifest, TreeFile, file_digest, files_of, manifest_of
from hokusai.storehouse.layout import blob_path
from hokusai.storehouse.signing import signed_query


class LocalStore(ContentStore):
    """Content on this machine's disk, laid out as the runner reads it.

    blobs/ab/<sha256>                      every file once
    trees/<tree digest>/manifest.json      and files/<path>, hard links into blobs

    `url` and `secret` are of the store process that answers links; without them it gives none.
    """

    def __init__(self, *, root: str, url: str = "", secret: str = "") -> None:
        self.root = Path(root)
        self._url, self._secret = url.rstrip("/"), secret
        self._shelf = Shelf(self.root)

    def put(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        if not self._kept(digest, len(content)):
            self.keep((content,), digest)
        return digest

    def put_file(self, path: Path) -> str:
        digest = file_digest(path)
        self._keep_file(path, digest)
        return digest

    def get(self, digest: str) -> bytes:
        content = self._read(self._blob(digest))
        if hashlib.sha256(content).hexdigest() != digest:
            raise ContentDamaged("Stored bytes no longer match their digest.", digest=digest)
        return content

    def bring(self, digest: str, target: Path) -> None:
        self.verify(digest)
        target.unlink(missing_ok=True)
        try:
            os.link(self._blob(digest), target)
        except OSError:
            # Another disk, or a file with as many names already as this one allows.
            super().bring(digest, target)

    def verify(self, digest: str) -> int:
        path = self._blob(digest)
        try:
            if file_digest(path) != digest:
                raise ContentDamaged("Stored bytes no longer match their digest.", digest=digest)
            return path.stat().st_size
        except (FileNotFoundError, NotADirectoryError) as error:
            raise _missing(digest) from error

    def put_tree(self, folder: Path) -> Manifest:
        manifest = manifest_of(folder)
        places = dict(files_of(folder))
        for file in manifest.files:
            self._keep_file(places[file.path], file.sha256)
        os.utime(self.lay_out(manifest).with_name("manifest.json"))
        return manifest

    def manifest(self, tree_digest: str) -> Manifest:
        content = self._read(self._tree(tree_digest) / "manifest.json")
        return parsed_manifest(content, tree_digest)

    def verify_tree(self, tree_digest: str) -> Manifest:
        manifest = self.manifest(tree_digest)
        for file in manifest.files:
            path = self._tree(tree_digest) / "files" / file.path
            if not path.is_file() or file_digest(path) != file.sha256:
                raise ContentDamaged(f"{file.path} no longer matches.", digest=tree_digest)
        return manifest

    def materialise(self, tree_digest: str) -> Path:
        manifest = self.manifest(tree_digest)
        for file in manifest.files:
            if not self.holds(file.sha256):
                self._save_from_tree(self._tree(tree_digest) / "files" / file.path, file.sha256)
        return self.lay_out(manifest)

    def blob_url(self, digest: str, *, filename: str, expires_s: int) -> str:
        if not self._url:
            raise StorageUnavailable("This store gives no links: STORE_URL is not set.")
        path = f"/blobs/{checked_digest(digest)}"
        expires_at_s = int(time.time()) + expires_s
        query = {"filename": filename}
        signed = signed_query(self._secret, "GET", path, query, expires_at_s=expires_at_s)
        return f"{self._url}{path}?{signed}"

    def stored(self) -> Iterator[StoredObject]:
        return self._shelf.stored()

    def remove(self, kind: Kind, digest: str, *, unless_since: datetime | None = None) -> bool:
        return self._shelf.remove(kind, digest, unless_since=unless_since)

    def holds(self, digest: str) -> bool:
        """Whether a blob is here and sound."""
        path = self._blob(digest)
        return path.is_file() and file_digest(path) == digest

    def keep(self, chunks: Iterable[bytes], digest: str) -> None:
        """Write a blob from a stream. Raises ContentDamaged where it has another digest."""
        proof = hashlib.sha256()
        with self._new_file(self._blob(digest)) as stream:
            for chunk in chunks:
                proof.update(chunk)
                stream.write(chunk)
            if proof.hexdigest() != digest:
                raise ContentDamaged("The bytes do not match their digest.", digest=digest)

    def lay_out(self, manifest: Manifest) -> Path:
        """Make a tree's folder whole; its blobs are here and sound. The folder with its files."""
        target = self._tree(manifest.digest)
        if not target.is_dir():
            self._build_tree(manifest, target)
        self._mend_tree(manifest, target)
        return target / "files"

    def _blob(self, digest: str) -> Path:
        return blob_path(self.root, checked_digest(digest))

    def _tree(self, digest: str) -> Path:
        return self.root / "trees" / checked_digest(digest)

    def _read(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise _missing("") from error

    def _kept(self, digest: str, size_bytes: int) -> bool:
        """Whether a sound blob is there already; it then counts as kept now."""
        path = self._blob(digest)
        try:
            if path.stat().st_size != size_bytes or file_digest(path) != digest:
                return False
            os.utime(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def _keep_file(self, source: Path, digest: str) -> None:
        if not self._kept(digest, source.stat().st_size):
            self.keep(_chunks(source), digest)

    def _save_from_tree(self, place: Path, digest: str) -> None:
        if not place.is_file():
            raise _missing(digest)
        self.keep(_chunks(place), digest)

    def _new_file(self, target: Path) -> NewFile:
        target.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER)
        return NewFile(target)

    def _build_tree(self, manifest: Manifest, target: Path) -> None:
        """Build the tree beside its place and rename it there, so that no half tree is seen."""
        draft = new_folder(target.parent)
        for file in manifest.files:
            self._link(file, draft / "files" / file.path)
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

    def _mend_tree(self, manifest: Manifest, target: Path) -> None:
        kept = target / "manifest.json"
        if not kept.is_file() or kept.read_bytes() != manifest.content:
            with self._new_file(kept) as stream:
                stream.write(manifest.content)
        listed = {file.path: file for file in manifest.files}
        for path in (target / "files").rglob("*"):
            if not path.is_dir() and path.relative_to(target / "files").as_posix() not in listed:
                path.unlink()
        for file in manifest.files:
            self._mend_file(file, target / "files" / file.path)

    def _mend_file(self, file: TreeFile, place: Path) -> None:
        blob = self._blob(file.sha256)
        if not place.is_file() or not (place.samefile(blob) or file_digest(place) == file.sha256):
            self._link(file, place)

    def _link(self, file: TreeFile, place: Path) -> None:
        link_or_copy(self._blob(file.sha256), place, drafts=self.root / "trees")


def parsed_manifest(content: bytes, tree_digest: str) -> Manifest:
    """Raises ContentDamaged where the bytes are not those of the tree digest."""
    if hashlib.sha256(content).hexdigest() != tree_digest:
        raise ContentDamaged("The manifest no longer matches its digest.", digest=tree_digest)
    return Manifest(tuple(TreeFile(**entry) for entry in json.loads(content)["files"]))


def _missing(digest: str) -> ContentMissing:
    return ContentMissing("The store holds nothing under this digest.", digest=digest)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            yield chunk
