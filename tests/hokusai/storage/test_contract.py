"""What every content store must hold to, run over each."""

import hashlib
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from hokusai.runner.artifact import verified_files
from hokusai.storage.base import ContentDamaged, ContentMissing, ContentStore
from hokusai.storage.local import LocalStore
from hokusai.storage.memory import MemoryStore
from hokusai.storage.s3 import S3Store
from hokusai.storage.trees import TreeRefused

FILES = {"MLmodel": b"flavors: {}\n", "data/model.skops": b"\x00\x01", "data/empty": b""}
ABSENT = hashlib.sha256(b"absent").hexdigest()


@dataclass
class Held:
    """A store, and a way to change the bytes behind a digest as a broken disk would."""

    store: ContentStore
    damage: Callable[[str, bytes], None]


def _local(request: pytest.FixtureRequest) -> Held:
    process = request.getfixturevalue("store_process")

    def damage(digest: str, content: bytes) -> None:
        path = process.root / "blobs" / digest[:2] / digest
        path.chmod(0o644)
        path.write_bytes(content)

    return Held(LocalStore(**process.options), damage)


def _memory(request: pytest.FixtureRequest) -> Held:
    store = MemoryStore()
    return Held(store, store.blobs.__setitem__)


def _s3(request: pytest.FixtureRequest) -> Held:
    s3, folder = request.getfixturevalue("s3"), request.getfixturevalue("tmp_path")

    def damage(digest: str, content: bytes) -> None:
        s3.client.put_object(Bucket=s3.bucket, Key=f"blobs/{digest[:2]}/{digest}", Body=content)

    return Held(S3Store(root=str(folder / "cache"), **s3.options), damage)


@pytest.fixture(params=[_local, _memory, _s3], ids=["local", "memory", "s3"])
def held(request: pytest.FixtureRequest) -> Held:
    found: Held = request.param(request)
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


def test_a_blob_is_brought_to_this_machine(store: ContentStore, tmp_path: Path) -> None:
    place = tmp_path / "brought"
    store.bring(store.put(b"rows"), place)
    assert place.read_bytes() == b"rows"
    place.unlink()
    with pytest.raises(ContentMissing):
        store.bring(ABSENT, place)


def test_keeping_a_blob_twice_is_the_same_as_once(store: ContentStore) -> None:
    assert store.put(b"rows") == store.put(b"rows")


def test_what_is_not_there_is_missing(store: ContentStore, folder: Path) -> None:
    digest = store.put_tree(folder).digest
    for read in (
        lambda: store.get(ABSENT),
        lambda: store.manifest(ABSENT),
        lambda: store.verify(ABSENT),
        lambda: store.verify_tree(ABSENT),
        lambda: store.materialise(ABSENT),
        lambda: store.read_file(ABSENT, "MLmodel"),
        lambda: store.read_file(digest, "absent"),
    ):
        with pytest.raises(ContentMissing):
            read()


def test_a_damaged_blob_is_never_given(held: Held) -> None:
    digest = held.store.put(b"rows")
    held.damage(digest, b"other")
    for read in (held.store.get, held.store.verify):
        with pytest.raises(ContentDamaged):
            read(digest)


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


@pytest.mark.parametrize("name", ["", "../secret", "A" * 64, "0" * 63])
def test_a_name_that_is_no_digest_is_missing(store: ContentStore, name: str) -> None:
    for read in (store.get, store.verify, store.manifest, store.materialise):
        with pytest.raises(ContentMissing):
            read(name)


@pytest.mark.parametrize("size", [0, 5, 9 * 1024 * 1024], ids=["empty", "small", "in parts"])
def test_a_file_is_kept_as_a_blob(store: ContentStore, tmp_path: Path, size: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(index % 251 for index in range(1024)) * (size // 1024) or b"0" * size)
    digest = store.put_file(path)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert store.get(digest) == path.read_bytes()
    assert store.verify(digest) == path.stat().st_size


def test_keeping_sound_bytes_again_mends_a_damaged_blob(held: Held, tmp_path: Path) -> None:
    digest = held.store.put(b"rows")
    held.damage(digest, b"r0ws")
    assert held.store.put(b"rows") == digest
    assert held.store.get(digest) == b"rows"
    held.damage(digest, b"r0ws")
    (tmp_path / "rows").write_bytes(b"rows")
    assert held.store.put_file(tmp_path / "rows") == digest
    assert held.store.get(digest) == b"rows"


def test_keeping_sound_files_again_mends_a_damaged_tree(held: Held, folder: Path) -> None:
    manifest = held.store.put_tree(folder)
    for file in manifest.files:
        held.damage(file.sha256, b"other")
    assert held.store.put_tree(folder) == manifest == held.store.verify_tree(manifest.digest)


def test_a_tree_lies_on_disk_as_the_runner_reads_it(store: ContentStore, folder: Path) -> None:
    manifest = store.put_tree(folder)
    files = store.materialise(manifest.digest)
    assert files == store.materialise(manifest.digest)
    assert files.parts[-3:] == ("trees", manifest.digest, "files")
    assert verified_files(files.parents[2], manifest.digest) == files
    assert {p.relative_to(files).as_posix() for p in files.rglob("*") if p.is_file()} == set(FILES)


def test_a_damaged_tree_is_never_laid_out(held: Held, folder: Path) -> None:
    manifest = held.store.put_tree(folder)
    model = next(file for file in manifest.files if file.path == "MLmodel")
    held.damage(model.sha256, b"flavors: {}?")
    with pytest.raises(ContentDamaged):
        held.store.materialise(manifest.digest)


def test_everything_kept_is_listed_and_can_be_removed(store: ContentStore, folder: Path) -> None:
    blob, tree = store.put(b"rows"), store.put_tree(folder)
    digests = {file.sha256 for file in tree.files}
    listed = {(found.kind, found.digest): found for found in store.stored()}
    assert set(listed) == {("blob", blob), ("tree", tree.digest)} | {("blob", d) for d in digests}
    assert listed["blob", blob].size_bytes == 4
    assert datetime.now(UTC) - listed["blob", blob].modified_at < timedelta(minutes=5)
    assert store.remove("tree", tree.digest)
    assert store.remove("blob", blob)
    assert not store.remove("blob", blob)
    assert {(found.kind, found.digest) for found in store.stored()} == {
        ("blob", d) for d in digests
    }
    with pytest.raises(ContentMissing):
        store.manifest(tree.digest)


def test_what_was_kept_meanwhile_is_not_removed(store: ContentStore, folder: Path) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=1)
    blob, tree = store.put(b"rows"), store.put_tree(folder).digest
    assert not store.remove("blob", blob, unless_since=long_ago)
    assert not store.remove("tree", tree, unless_since=long_ago)
    assert store.get(blob) == b"rows"
    assert store.verify_tree(tree)


def test_a_link_gives_the_blob_as_a_download(held: Held) -> None:
    digest = held.store.put(b"rows of many")
    url = held.store.blob_url(digest, filename="modèle 1.bin", expires_s=60)
    if url.startswith("memory:"):
        assert digest in url
        return
    answer = requests.get(url, timeout=10)
    assert answer.content == b"rows of many"
    assert (
        answer.headers["Content-Disposition"] == "attachment; filename*=utf-8''mod%C3%A8le%201.bin"
    )
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert digest in (
        answer.headers.get("X-Content-SHA256"),
        answer.headers.get("x-amz-meta-sha256"),
    )
    part = requests.get(url, headers={"Range": "bytes=8-"}, timeout=10)
    assert (part.status_code, part.content) == (206, b"many")
