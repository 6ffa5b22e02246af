import errno
import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hokusai.core.errors import InvalidInput
from hokusai.runner.artifact import verified_files
from hokusai.storage.base import ContentDamaged, ContentMissing, StorageUnavailable
from hokusai.storage.local import LocalStore

ROOT = Path(__file__).parents[3]
KILLED = """
import os, signal, sys
from hokusai.storage.local import LocalStore
place = sys.argv[2]
def die(*details, **more):
    os.kill(os.getpid(), signal.SIGKILL)
if place == "writing":
    os.fsync = die
elif place == "linking":
    real, calls = os.link, []
    def link(*details):
        calls.append(1)
        die() if len(calls) == 2 else real(*details)
    os.link = link
from pathlib import Path
LocalStore(root=sys.argv[1]).put_tree(Path(sys.argv[3]))
"""


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(root=str(tmp_path / "store"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "artifact"
    (root / "data").mkdir(parents=True)
    (root / "MLmodel").write_bytes(b"flavors: {}\n")
    (root / "data" / "model.bin").write_bytes(bytes(range(256)) * 100)
    return root


def visible(root: Path) -> list[Path]:
    """Files that a reader could take for content: drafts are none."""
    return [
        path
        for path in root.rglob("*")
        if path.is_file() and not any(part.startswith(".draft-") for part in path.parts)
    ]


@pytest.mark.parametrize("place", ["writing", "linking"])
def test_a_crash_leaves_no_half_file_and_no_half_tree(
    place: str, store: LocalStore, folder: Path
) -> None:
    crashed = subprocess.run(
        [sys.executable, "-c", KILLED, str(store.root), place, str(folder)], cwd=ROOT, check=False
    )
    assert crashed.returncode == -9
    assert not list((store.root / "trees").glob("[!.]*"))
    for path in visible(store.root):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    digest = store.put_tree(folder).digest
    assert store.verify_tree(digest).digest == digest


def test_a_write_that_fails_leaves_nothing(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.put(b"rows")
    with pytest.raises(ContentMissing):
        store.get(hashlib.sha256(b"rows").hexdigest())


def test_trees_kept_at_the_same_time_are_one_tree(store: LocalStore, folder: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        manifests = list(pool.map(store.put_tree, [folder] * 16))
    assert len({manifest.digest for manifest in manifests}) == 1
    assert store.verify_tree(manifests[0].digest) == manifests[0]
    assert os.listdir(store.root / "trees") == [manifests[0].digest]


def test_a_tree_that_cannot_be_put_in_its_place_is_an_error(
    store: LocalStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OSError, match="No space"):
        store.put_tree(folder)
    assert os.listdir(store.root / "trees") == []


def test_the_runner_finds_the_files_under_the_tree(store: LocalStore, folder: Path) -> None:
    digest = store.put_tree(folder).digest
    laid_out = store.root / "trees" / digest / "files" / "data" / "model.bin"
    assert laid_out.read_bytes() == (folder / "data" / "model.bin").read_bytes()


def test_files_of_two_trees_are_kept_once(store: LocalStore, folder: Path) -> None:
    store.put_tree(folder)
    (folder / "note.txt").write_bytes(b"more")
    store.put_tree(folder)
    assert len(visible(store.root / "blobs")) == 3


def test_kept_files_are_read_only(store: LocalStore, folder: Path) -> None:
    store.put_tree(folder)
    assert {path.stat().st_mode & 0o777 for path in visible(store.root)} == {0o444}


def test_a_changed_manifest_is_found(store: LocalStore, folder: Path) -> None:
    digest = store.put_tree(folder).digest
    path = store.root / "trees" / digest / "manifest.json"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"MLmodel", b"MLmodem"))
    with pytest.raises(ContentDamaged):
        store.manifest(digest)


def test_a_file_missing_from_a_tree_is_found(store: LocalStore, folder: Path) -> None:
    digest = store.put_tree(folder).digest
    (store.root / "trees" / digest / "files" / "MLmodel").unlink()
    with pytest.raises(ContentDamaged):
        store.verify_tree(digest)


def test_a_write_that_comes_with_other_bytes_is_refused(store: LocalStore) -> None:
    digest = hashlib.sha256(b"rows").hexdigest()
    with pytest.raises(ContentDamaged):
        store.keep([b"ro", b"ws?"], digest)
    assert list(store.stored()) == []
    store.keep([b"ro", b"ws"], digest)
    assert store.get(digest) == b"rows"


def test_a_tree_is_mended_from_sound_blobs(store: LocalStore, folder: Path) -> None:
    digest = store.put_tree(folder).digest
    files = store.root / "trees" / digest / "files"
    (files / "MLmodel").unlink()
    (files / "data" / "foreign").write_bytes(b"added")
    assert store.materialise(digest) == files
    assert verified_files(store.root, digest) == files


def test_a_lost_blob_is_taken_back_from_a_sound_tree(store: LocalStore, folder: Path) -> None:
    manifest = store.put_tree(folder)
    blob = manifest.files[0].sha256
    (store.root / "blobs" / blob[:2] / blob).unlink()
    store.materialise(manifest.digest)
    assert store.verify(blob) == manifest.files[0].size


def test_a_file_with_too_many_names_is_copied(
    store: LocalStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, place: Path) -> None:
        raise OSError(errno.EMLINK, "Too many links")

    monkeypatch.setattr(os, "link", refuse)
    digest = store.put_tree(folder).digest
    assert store.verify_tree(digest).digest == digest
    assert store.materialise(digest) == store.root / "trees" / digest / "files"


@pytest.mark.parametrize("place", ["writing", "linking"])
def test_what_a_crash_leaves_is_listed_as_a_draft_and_can_be_removed(
    place: str, store: LocalStore, folder: Path
) -> None:
    arguments = [sys.executable, "-c", KILLED, str(store.root), place, str(folder)]
    subprocess.run(arguments, cwd=ROOT, check=False)
    drafts = [found for found in store.stored() if found.kind == "draft"]
    assert drafts
    assert all(store.remove("draft", draft.digest) for draft in drafts)
    assert not list(store.root.rglob(".draft-*"))
    assert not store.remove("draft", drafts[0].digest)


@pytest.mark.parametrize(
    "name",
    ["", "blobs", "../.draft-x", "blobs/../.draft-x", "/etc/.draft-x", "blobs/ab/" + "0" * 64],
)
def test_only_drafts_are_removed_as_drafts(store: LocalStore, name: str) -> None:
    with pytest.raises(InvalidInput):
        store.remove("draft", name)


def test_without_a_store_process_there_are_no_links(store: LocalStore) -> None:
    with pytest.raises(StorageUnavailable, match="STORE_URL"):
        store.blob_url(store.put(b"rows"), filename="rows", expires_s=60)
