"""What lies in a local store, for the sweep: listing and removing, never reading content."""

import errno
import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from hokusai.core.errors import InvalidInput
from hokusai.storage.base import Kind, StoredObject, checked_digest
from hokusai.storage.drafts import new_folder
from hokusai.storehouse.layout import DIGEST, DRAFT, blob_path

MANIFEST = "manifest.json"


class Shelf:
    """The folders of a local store."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def stored(self) -> Iterator[StoredObject]:
        """Blobs, trees, and drafts at the places where writers make them."""
        for path in self.root.glob("blobs/*/*"):
            yield from self._entry("blob", path, path)
        for path in self.root.glob("trees/*"):
            yield from self._entry("tree", path, path / MANIFEST)
        for path in self.root.glob(f"trees/*/{DRAFT}*"):
            yield from self._entry("draft", path, path)

    def remove(self, kind: Kind, digest: str, *, unless_since: datetime | None) -> bool:
        """Remove one object, unless it is younger; it vanishes at once, or stays whole.

        Whoever keeps it meanwhile either renews it before it is set aside, which is seen here, or
        finds nothing and keeps it anew.
        """
        path = self._place(kind, digest)
        if _is_gone(kind, path) or _is_younger(kind, path, unless_since):
            return False
        if kind == "draft":
            _delete(path)
            return True
        aside = new_folder(path.parent) / path.name
        try:
            path.rename(aside)
            if not _is_younger(kind, aside, unless_since):
                return True
            _put_back(aside, path)
        except FileNotFoundError:
            # Another sweep was first.
            return False
        finally:
            shutil.rmtree(aside.parent)
        return False

    def _entry(self, kind: Kind, path: Path, facts: Path) -> Iterator[StoredObject]:
        # What has no manifest is a tree that nobody can read; its age is the folder's.
        found = _facts(facts) or _facts(path)
        if found is None:
            return
        size_bytes, modified_at = found
        if path.name.startswith(DRAFT):
            yield StoredObject(
                "draft", path.relative_to(self.root).as_posix(), size_bytes, modified_at
            )
        elif DIGEST.fullmatch(path.name):
            yield StoredObject(kind, path.name, size_bytes, modified_at)

    def _place(self, kind: Kind, digest: str) -> Path:
        if kind == "draft":
            return self._draft(digest)
        checked_digest(digest)
        return blob_path(self.root, digest) if kind == "blob" else self.root / "trees" / digest

    def _draft(self, name: str) -> Path:
        parts = Path(name).parts
        inside = len(parts) in (2, 3) and parts[0] in ("blobs", "trees") and ".." not in parts
        if not inside or not parts[-1].startswith(DRAFT):
            raise InvalidInput(f"{name!r} names no draft.")
        return self.root / name


def _facts(path: Path) -> tuple[int, datetime] | None:
    """Size in bytes and time of the last change; None where nothing is there any more."""
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    size_bytes = 0 if stat.S_ISDIR(found.st_mode) else found.st_size
    return size_bytes, datetime.fromtimestamp(found.st_mtime, UTC)


def _is_gone(kind: Kind, path: Path) -> bool:
    return _age(kind, path) is None


def _is_younger(kind: Kind, path: Path, unless_since: datetime | None) -> bool:
    modified_at = _age(kind, path)
    return unless_since is not None and modified_at is not None and modified_at >= unless_since


def _age(kind: Kind, path: Path) -> datetime | None:
    found = (_facts(path / MANIFEST) if kind == "tree" else None) or _facts(path)
    return found[1] if found else None


def _put_back(aside: Path, path: Path) -> None:
    try:
        aside.rename(path)
    except OSError as error:
        # It was kept anew meanwhile; both are the same.
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise


def _delete(path: Path) -> None:
    if stat.S_ISDIR(path.lstat().st_mode):
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
