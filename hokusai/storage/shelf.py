"""What lies in a local store, for the sweep: listing and removing, never reading content."""

import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from hokusai.core.errors import InvalidInput
from hokusai.storage.base import Kind, StoredObject, checked_digest
from hokusai.storage.drafts import new_folder
from hokusai.storehouse.layout import DIGEST, DRAFT, blob_path


class Shelf:
    """The folders of a local store."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def stored(self) -> Iterator[StoredObject]:
        """Blobs, trees, and drafts at the places where writers make them."""
        for path in self.root.glob("blobs/*/*"):
            yield from self._entry("blob", path, path)
        for path in self.root.glob("trees/*"):
            yield from self._entry("tree", path, path / "manifest.json")
        for path in self.root.glob(f"trees/*/{DRAFT}*"):
            yield from self._entry("draft", path, path)

    def remove(self, kind: Kind, digest: str, *, unless_since: datetime | None) -> bool:
        """Remove one object; a tree vanishes at once, whatever happens while it is deleted."""
        path = self._place(kind, digest)
        facts = path / "manifest.json" if kind == "tree" else path
        found = _facts(facts) or _facts(path)
        if found is None or (unless_since is not None and found[1] >= unless_since):
            return False
        if stat.S_ISDIR(path.lstat().st_mode):
            away = path if kind == "draft" else path.rename(new_folder(path.parent) / path.name)
            shutil.rmtree(path if kind == "draft" else away.parent)
        else:
            path.unlink(missing_ok=True)
        return True

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
