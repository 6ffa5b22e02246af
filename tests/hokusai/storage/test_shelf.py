"""Removing while others keep: what was kept in the meantime is there afterwards."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hokusai.storage.local import LocalStore

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC).timestamp()


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(root=str(tmp_path / "store"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "artifact").mkdir()
    (tmp_path / "artifact" / "MLmodel").write_bytes(b"flavors: {}\n")
    return tmp_path / "artifact"


def _grow_old(store: LocalStore) -> datetime:
    """Make everything look old; the moment before which it is."""
    for path in store.root.rglob("*"):
        os.utime(path, (LONG_AGO, LONG_AGO))
    return datetime.now(UTC) - timedelta(hours=1)


def _around_rename(
    monkeypatch: pytest.MonkeyPatch, name: str, action: Callable[[], object], *, after: bool
) -> None:
    """Do something just before, or just after, the object `name` is set aside."""
    real = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if self.name != name or ".draft-" not in str(target) or ".draft-" in str(self):
            return real(self, target)
        monkeypatch.setattr(Path, "rename", real)
        if not after:
            action()
        renamed = real(self, target)
        if after:
            action()
        return renamed

    monkeypatch.setattr(Path, "rename", rename)


@pytest.mark.parametrize("after", [False, True], ids=["just before", "just after"])
def test_a_blob_kept_while_it_is_removed_is_there(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    digest = store.put(b"rows")
    before = _grow_old(store)
    _around_rename(monkeypatch, digest, lambda: store.put(b"rows"), after=after)
    store.remove("blob", digest, unless_since=before)
    assert store.get(digest) == b"rows"
    assert not list(store.root.rglob(".draft-*"))


@pytest.mark.parametrize("after", [False, True], ids=["just before", "just after"])
def test_a_tree_kept_while_it_is_removed_is_there(
    store: LocalStore, folder: Path, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    digest = store.put_tree(folder).digest
    before = _grow_old(store)
    _around_rename(monkeypatch, digest, lambda: store.put_tree(folder), after=after)
    store.remove("tree", digest, unless_since=before)
    assert store.verify_tree(digest).digest == digest
    assert not list(store.root.rglob(".draft-*"))


def test_what_nobody_kept_again_is_gone(store: LocalStore, folder: Path) -> None:
    manifest = store.put_tree(folder)
    before = _grow_old(store)
    assert store.remove("tree", manifest.digest, unless_since=before)
    assert store.remove("blob", manifest.files[0].sha256, unless_since=before)
    assert list(store.stored()) == []


def test_two_sweeps_at_once_remove_once(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = store.put(b"rows")
    before = _grow_old(store)
    removed: list[bool] = []

    def other() -> None:
        removed.append(store.remove("blob", digest, unless_since=before))

    _around_rename(monkeypatch, digest, other, after=False)
    assert not store.remove("blob", digest, unless_since=before)
    assert removed == [True]


def test_a_folder_that_is_no_tree_is_listed_with_its_own_age(store: LocalStore) -> None:
    (store.root / "trees" / ("0" * 64)).mkdir(parents=True)
    _grow_old(store)
    (found,) = store.stored()
    assert (found.kind, found.modified_at.timestamp()) == ("tree", LONG_AGO)
    assert store.remove("tree", found.digest)


def test_other_files_are_neither_listed_nor_touched(store: LocalStore) -> None:
    (store.root / "blobs" / "ab").mkdir(parents=True)
    (store.root / "blobs" / "ab" / "note.txt").write_bytes(b"of a person")
    assert list(store.stored()) == []
