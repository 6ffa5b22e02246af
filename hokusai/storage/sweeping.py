"""Cleaning a content store: mark what is referred to, verify what is kept, sweep the rest.

Nothing that was kept within the grace is removed: its writer may not have named it yet. The store
is listed before references are read, and each removal looks at the object's age again, so that what
is kept meanwhile stays, new or old.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

from hokusai.storage.base import ContentDamaged, ContentMissing, ContentStore, Kind, StoredObject
from hokusai.storage.multipart.base import UploadStore

T = TypeVar("T")
Reference = tuple[Kind, str]
GRACE = timedelta(hours=24)
# Longer than any upload may take, with the copying that follows it.
UPLOAD_GRACE = timedelta(days=7)
READERS = 8


class ContentReferences(Protocol):
    """A hook of CONTENT_REFERENCES: what one app refers to in the content store."""

    def digests(self) -> Iterator[Reference]:
        """Each blob and tree that must stay, more than once if need be; a tree keeps its blobs."""


@dataclass(slots=True)
class SweepReport:
    """What a sweep found, and what it removed."""

    kept: int = 0
    kept_bytes: int = 0
    verified: int = 0
    unreferenced: list[StoredObject] = field(default_factory=list)
    too_young: int = 0
    missing: list[Reference] = field(default_factory=list)
    damaged: list[Reference] = field(default_factory=list)
    removed: int = 0
    removed_bytes: int = 0
    stale_uploads: int = 0
    # Blobs of a tree that cannot be read are unknown, so none is removed.
    blobs_held_back: bool = False

    @property
    def unreferenced_bytes(self) -> int:
        return sum(found.size_bytes for found in self.unreferenced)

    def as_json(self) -> dict[str, Any]:
        """The report in numbers, and by name what is missing or damaged."""
        return {
            "kept": self.kept,
            "kept_bytes": self.kept_bytes,
            "verified": self.verified,
            "unreferenced": len(self.unreferenced),
            "unreferenced_bytes": self.unreferenced_bytes,
            "too_young": self.too_young,
            "missing": [list(reference) for reference in self.missing],
            "damaged": [list(reference) for reference in self.damaged],
            "removed": self.removed,
            "removed_bytes": self.removed_bytes,
            "stale_uploads": self.stale_uploads,
            "blobs_held_back": self.blobs_held_back,
        }


def sweep(
    store: ContentStore,
    references: Callable[[], Iterable[Reference]],
    *,
    grace: timedelta = GRACE,
    verify: bool = False,
    apply: bool = False,
) -> SweepReport:
    """Compare a store with what refers to it; remove what nothing refers to only with `apply`.

    Safe to repeat, and to be killed at any line. Raises StorageUnavailable.
    """
    before = datetime.now(UTC) - grace
    listed = list(store.stored())
    report = SweepReport()
    marked = _mark(store, references(), listed, before, report)
    _judge(listed, marked, before, report)
    _look_for(store, marked - {(found.kind, found.digest) for found in listed}, report)
    if verify:
        _verify(store, listed, marked, report)
    report.missing.sort()
    report.damaged.sort()
    if apply:
        _remove(store, before, report)
    return report


def _mark(
    store: ContentStore,
    references: Iterable[Reference],
    listed: list[StoredObject],
    before: datetime,
    report: SweepReport,
) -> set[Reference]:
    """What must stay: whatever is referred to, and the blobs of trees that stay."""
    referred = set(references)
    young = {("tree", f.digest) for f in listed if f.kind == "tree" and f.modified_at >= before}
    marked = set(referred)
    trees = sorted(digest for kind, digest in referred | young if kind == "tree")

    def blobs_of(digest: str) -> set[Reference]:
        return _blobs_of(store, digest, report, wanted=("tree", digest) in referred)

    for blobs in _each(blobs_of, trees):
        marked |= blobs
    return marked


def _blobs_of(
    store: ContentStore, tree_digest: str, report: SweepReport, *, wanted: bool
) -> set[Reference]:
    try:
        return {("blob", file.sha256) for file in store.manifest(tree_digest).files}
    except ContentMissing:
        # A young tree that nobody refers to may have been removed meanwhile.
        if wanted:
            report.blobs_held_back = True
            report.missing.append(("tree", tree_digest))
    except ContentDamaged:
        report.blobs_held_back = True
        report.damaged.append(("tree", tree_digest))
    return set()


def _judge(
    listed: list[StoredObject], marked: set[Reference], before: datetime, report: SweepReport
) -> None:
    for found in listed:
        if (found.kind, found.digest) in marked:
            report.kept += 1
            report.kept_bytes += found.size_bytes
        elif found.modified_at >= before:
            report.too_young += 1
        else:
            report.unreferenced.append(found)


def _look_for(store: ContentStore, absent: set[Reference], report: SweepReport) -> None:
    """Name blobs that are not there; what was kept after the listing is no loss."""
    blobs = sorted(digest for kind, digest in absent if kind == "blob")
    for _ in _each(lambda digest: _prove(store, digest, report), blobs):
        continue


def _verify(
    store: ContentStore, listed: list[StoredObject], marked: set[Reference], report: SweepReport
) -> None:
    kept = {found.digest for found in listed if found.kind == "blob"}
    blobs = sorted(digest for kind, digest in marked if kind == "blob" and digest in kept)
    for _ in _each(lambda digest: _prove(store, digest, report), blobs):
        report.verified += 1


def _each(function: Callable[[str], T], digests: list[str]) -> Iterator[T]:
    """Call `function` with each digest, several at once: a bucket's answers take their time."""
    pool = ThreadPoolExecutor(READERS)
    try:
        yield from pool.map(function, digests)
    finally:
        pool.shutdown(cancel_futures=True)


def _prove(store: ContentStore, digest: str, report: SweepReport) -> None:
    try:
        store.verify(digest)
    except ContentDamaged:
        report.damaged.append(("blob", digest))
    except ContentMissing:
        report.missing.append(("blob", digest))


def _remove(store: ContentStore, before: datetime, report: SweepReport) -> None:
    # Trees first: whoever finds a tree finds its blobs.
    order = {"tree": 0, "blob": 1, "draft": 2}
    for found in sorted(report.unreferenced, key=lambda found: order[found.kind]):
        if found.kind == "blob" and report.blobs_held_back:
            continue
        if store.remove(found.kind, found.digest, unless_since=before):
            report.removed += 1
            report.removed_bytes += found.size_bytes


def forget_uploads(store: UploadStore, report: SweepReport, *, apply: bool) -> None:
    """Count uploads that nobody finished for a week; with `apply` abort them.

    Safe to repeat. Raises StorageUnavailable.
    """
    before = datetime.now(UTC) - UPLOAD_GRACE
    for found in list(store.unfinished()):
        if found.began_at < before:
            report.stale_uploads += 1
            if apply:
                store.abort(found.key, found.upload_id)
