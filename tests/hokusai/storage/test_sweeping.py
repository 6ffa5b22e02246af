from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hokusai.storage.base import ContentMissing
from hokusai.storage.local import LocalStore
from hokusai.storage.memory import MemoryStore
from hokusai.storage.multipart.memory import MemoryUploads
from hokusai.storage.sweeping import Reference, SweepReport, forget_uploads, sweep

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass
class Held:
    """A store in which everything was kept long ago, and what refers to it."""

    store: MemoryStore
    references: list[Reference]
    tree: str
    lost: str

    def sweep(self, *, verify: bool = False, apply: bool = False) -> SweepReport:
        return sweep(self.store, lambda: self.references, verify=verify, apply=apply)

    def digests(self) -> set[Reference]:
        return {(found.kind, found.digest) for found in self.store.stored()}


def _tree(root: Path, **files: bytes) -> Path:
    root.mkdir()
    for name, content in files.items():
        (root / name).write_bytes(content)
    return root


@pytest.fixture
def held(tmp_path: Path) -> Held:
    store = MemoryStore()
    tree = store.put_tree(_tree(tmp_path / "kept", a=b"a", b=b"b")).digest
    lost = store.put_tree(_tree(tmp_path / "lost", a=b"a", c=b"c")).digest
    table = store.put(b"a table")
    store.put(b"of nobody")
    store.kept_at = dict.fromkeys(store.kept_at, LONG_AGO)
    return Held(store, [("tree", tree), ("blob", table), ("tree", tree)], tree, lost)


def test_what_nobody_refers_to_is_only_reported_unless_asked(held: Held) -> None:
    before = held.digests()
    report = held.sweep()
    assert (report.kept, len(report.unreferenced), report.removed) == (4, 3, 0)
    assert report.unreferenced_bytes > len(b"of nobody")
    assert held.digests() == before


def test_the_rest_is_removed_and_a_blob_of_two_trees_stays(held: Held) -> None:
    report = held.sweep(apply=True)
    assert (report.kept, report.removed, report.missing, report.damaged) == (4, 3, [], [])
    assert report.removed_bytes == report.unreferenced_bytes
    assert held.store.verify_tree(held.tree)
    with pytest.raises(ContentMissing):
        held.store.manifest(held.lost)
    again = held.sweep(apply=True)
    assert (again.kept, again.removed, again.unreferenced) == (4, 0, [])


def test_what_is_young_stays_with_everything_in_it(held: Held, tmp_path: Path) -> None:
    held.store.put_tree(_tree(tmp_path / "again", a=b"a", c=b"c"))
    held.store.kept_at.update({key: LONG_AGO for key in held.store.kept_at if key[0] == "blob"})
    report = held.sweep(apply=True)
    assert report.too_young == 1
    assert report.removed == 1
    assert held.store.verify_tree(held.lost)


def test_what_is_kept_again_during_the_sweep_stays(held: Held) -> None:
    def references() -> Iterable[Reference]:
        # Another process keeps these bytes now; its row comes later.
        held.store.put(b"of nobody")
        return held.references

    report = sweep(held.store, references, apply=True)
    assert len(report.unreferenced) == 3
    assert report.removed == 2
    assert held.store.get(held.store.put(b"of nobody")) == b"of nobody"


def test_what_is_missing_is_named(held: Held) -> None:
    (blob,) = (d for d, content in held.store.blobs.items() if content == b"b")
    held.store.remove("blob", blob)
    held.references.append(("blob", "0" * 64))
    report = held.sweep()
    assert sorted(report.missing) == sorted([("blob", blob), ("blob", "0" * 64)])


def test_what_was_kept_after_the_listing_is_not_missing(held: Held) -> None:
    def references() -> Iterable[Reference]:
        return [*held.references, ("blob", held.store.put(b"just now"))]

    assert sweep(held.store, references).missing == []


def test_damage_is_found_only_by_reading(held: Held) -> None:
    (blob,) = (d for d, content in held.store.blobs.items() if content == b"b")
    held.store.blobs[blob] = b"B"
    assert held.sweep().damaged == []
    report = held.sweep(verify=True, apply=True)
    assert report.damaged == [("blob", blob)]
    assert report.verified == 3
    assert blob in held.store.blobs


def test_no_blob_goes_while_a_tree_cannot_be_read(held: Held) -> None:
    held.store.remove("tree", held.tree)
    report = held.sweep(apply=True)
    assert report.blobs_held_back
    assert report.missing == [("tree", held.tree)]
    assert [found.kind for found in held.store.stored()] == ["blob"] * 5


def test_drafts_of_killed_writers_go_when_they_are_old(tmp_path: Path) -> None:
    store = LocalStore(root=str(tmp_path))
    store.put(b"rows")
    (blob,) = (found for found in store.stored())
    draft = tmp_path / "blobs" / blob.digest[:2] / ".draft-left"
    draft.write_bytes(b"half")
    kept: list[Reference] = [("blob", blob.digest)]
    assert sweep(store, lambda: kept, apply=True).too_young == 1
    assert draft.exists()
    report = sweep(store, lambda: kept, grace=timedelta(seconds=-60), apply=True)
    assert report.removed == 1
    assert not draft.exists()
    assert store.get(blob.digest) == b"rows"


def test_uploads_that_nobody_finished_are_aborted_after_a_week() -> None:
    uploads, report = MemoryUploads(), SweepReport()
    old, new = uploads.begin("old"), uploads.begin("new")
    uploads.open[old].began_at = datetime.now(UTC) - timedelta(days=8)
    forget_uploads(uploads, report, apply=False)
    assert report.stale_uploads == 1
    assert len(list(uploads.unfinished())) == 2
    forget_uploads(uploads, report, apply=True)
    assert [found.upload_id for found in uploads.unfinished()] == [new]


def test_the_report_is_plain_json(held: Held) -> None:
    held.references.append(("blob", "0" * 64))
    assert held.sweep().as_json() == {
        "kept": 4,
        "kept_bytes": held.sweep().kept_bytes,
        "verified": 0,
        "unreferenced": 3,
        "unreferenced_bytes": held.sweep().unreferenced_bytes,
        "too_young": 0,
        "missing": [["blob", "0" * 64]],
        "damaged": [],
        "removed": 0,
        "removed_bytes": 0,
        "stale_uploads": 0,
        "blobs_held_back": False,
    }
