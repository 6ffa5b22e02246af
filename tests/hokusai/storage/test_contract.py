"""What every content store must hold to, run over each."""

import hashlib
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from hokusai.storage.base import ContentDamaged, ContentMissing, ContentStore
from hokusai.storage.local import LocalStore
from hokusai.storage.memory import MemoryStore
from hokusai.storage.trees import TreeRefused

FILES = {"MLmodel": b"flavors: {}\n", "data/model.skops": b"\x00\x01", "data/empty": b""}
ABSENT = hashlib.sha256(b"absent").hexdigest()


@dataclass
class Held:
    """A store, and a way to change the bytes behind a digest as a broken disk would."""

    store: ContentStore
    damage: Callable[[str, bytes], None]


def _local(folder: Path) -> Held:
    store = LocalStore(root=str(folder / "store"))

    def damage(digest: str, content: bytes) -> None:
        path = folder / "store" / "blobs" / digest[:2] / digest
        path.chmod(0o644)
        path.write_bytes(content)

    return Held(store, damage)


def _memory(folder: Path) -> Held:
    store = MemoryStore()
    return Held(store, store.blobs.__setitem__)


@pytest.fixture(params=[_local, _memory], ids=["local", "memory"])
def held(request: pytest.FixtureRequest, tmp_path: Path) -> Held:
    found: Held = request.param(tmp_path)
    return found


@pytest.fixture
def store(held: Held) -> ContentStore:
    return held.store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "artifact"
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


@pytest.mark.parametrize("content", [b"", b"rows", bytes(100_000)], ids=["empty", "small", "large"])
def test_a_blob_is_kept_under_its_own_digest(store: ContentStore, content: bytes) -> None:
    digest = store.put(content)
    assert digest == hashlib.sha256(content).hexdigest()
    assert store.get(digest) == content


def test_keeping_a_blob_twice_is_the_same_as_once(store: ContentStore) -> None:
    assert store.put(b"rows") == store.put(b"rows")


def test_what_is_not_there_is_missing(store: ContentStore, folder: Path) -> None:
    digest = store.put_tree(folder).digest
    for read in (
        lambda: store.get(ABSENT),
        lambda: store.manifest(ABSENT),
        lambda: store.verify_tree(ABSENT),
        lambda: store.read_file(ABSENT, "MLmodel"),
        lambda: store.read_file(digest, "absent"),
    ):
        with pytest.raises(ContentMissing):
            read()


def test_a_damaged_blob_is_never_given(held: Held) -> None:
    digest = held.store.put(b"rows")
    held.damage(digest, b"other")
    with pytest.raises(ContentDamaged):
        held.store.get(digest)


def test_a_tree_comes_back_as_it_was(store: ContentStore, folder: Path) -> None:
    manifest = store.put_tree(folder)
    assert [file.path for file in manifest.files] == ["MLmodel", "data/empty", "data/model.skops"]
    assert manifest.size_bytes == sum(map(len, FILES.values()))
    assert store.manifest(manifest.digest) == manifest == store.verify_tree(manifest.digest)
    for name, content in FILES.items():
        assert store.read_file(manifest.digest, name) == content


def test_keeping_a_tree_twice_is_the_same_as_once(store: ContentStore, folder: Path) -> None:
    assert store.put_tree(folder) == store.put_tree(folder)


def test_a_tree_does_not_change_with_the_folder_it_came_from(
    store: ContentStore, folder: Path
) -> None:
    digest = store.put_tree(folder).digest
    (folder / "MLmodel").write_bytes(b"flavors: {other: {}}\n")
    assert store.read_file(digest, "MLmodel") == FILES["MLmodel"]
    assert store.put_tree(folder).digest != digest


def test_damage_inside_a_tree_is_found(held: Held, folder: Path) -> None:
    manifest = held.store.put_tree(folder)
    model = next(file for file in manifest.files if file.path == "data/model.skops")
    held.damage(model.sha256, b"\x00\x02")
    with pytest.raises(ContentDamaged):
        held.store.verify_tree(manifest.digest)
    with pytest.raises(ContentDamaged):
        held.store.read_file(manifest.digest, "data/model.skops")


def test_a_name_in_decomposed_letters_is_kept_in_composed_ones(
    store: ContentStore, tmp_path: Path
) -> None:
    name = "modèle.bin"
    folder = tmp_path / "decomposed"
    folder.mkdir()
    (folder / unicodedata.normalize("NFD", name)).write_bytes(b"1")
    manifest = store.put_tree(folder)
    assert [file.path for file in manifest.files] == [unicodedata.normalize("NFC", name)]
    assert store.read_file(manifest.digest, manifest.files[0].path) == b"1"


def test_a_refused_tree_leaves_nothing(store: ContentStore, tmp_path: Path, folder: Path) -> None:
    (folder / "mlMODEL").write_bytes(b"collides")
    with pytest.raises(TreeRefused):
        store.put_tree(folder)
    with pytest.raises(ContentMissing):
        store.get(hashlib.sha256(b"collides").hexdigest())
