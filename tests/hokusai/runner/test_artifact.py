"""No byte is loaded that the digest does not cover."""

from pathlib import Path

import pytest

from hokusai.runner.artifact import verified_files
from hokusai.runner.client import RunnerClient
from hokusai.runner.errors import ArtifactMismatch
from tests.hokusai.runner import artifacts
from tests.hokusai.runner.conftest import Store

FILES = {"MLmodel": b"flavors: {}\n", "data/model.bin": b"\x00\x01"}


@pytest.fixture
def own(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_a_whole_tree_is_accepted(own: Store) -> None:
    digest = own.put(FILES)
    assert verified_files(own.root, digest) == own.root / "trees" / digest / "files"


def test_an_altered_file_is_refused(own: Store) -> None:
    digest = own.put(FILES)
    (own.root / "trees" / digest / "files/data/model.bin").write_bytes(b"\x00\x02")
    with pytest.raises(ArtifactMismatch, match=r"model\.bin"):
        verified_files(own.root, digest)


def test_an_unlisted_file_is_refused(own: Store) -> None:
    digest = own.put(FILES)
    (own.root / "trees" / digest / "files/extra.py").write_bytes(b"")
    with pytest.raises(ArtifactMismatch, match="not listed"):
        verified_files(own.root, digest)


def test_a_missing_file_is_refused(own: Store) -> None:
    digest = own.put(FILES)
    (own.root / "trees" / digest / "files/MLmodel").unlink()
    with pytest.raises(ArtifactMismatch, match="missing"):
        verified_files(own.root, digest)


def test_a_link_is_refused(own: Store) -> None:
    digest = own.put(FILES)
    path = own.root / "trees" / digest / "files/MLmodel"
    path.unlink()
    path.symlink_to("/etc/hostname")
    with pytest.raises(ArtifactMismatch, match="neither a file"):
        verified_files(own.root, digest)


def test_an_altered_manifest_is_refused(own: Store) -> None:
    digest = own.put(FILES)
    manifest = own.root / "trees" / digest / "manifest.json"
    manifest.write_bytes(manifest.read_bytes() + b"\n")
    with pytest.raises(ArtifactMismatch, match="manifest"):
        verified_files(own.root, digest)


@pytest.mark.parametrize("digest", ["0" * 64, "../../etc", "", "A" * 64])
def test_an_unknown_digest_is_refused(own: Store, digest: str) -> None:
    with pytest.raises(ArtifactMismatch):
        verified_files(own.root, digest)


def test_the_runner_refuses_what_does_not_match(client: RunnerClient, store: Store) -> None:
    digest = store.put(artifacts.skops_classifier() | {"note": b"one"})
    (store.root / "trees" / digest / "files/note").write_bytes(b"two")
    with pytest.raises(ArtifactMismatch, match="note"):
        client.predict_once(project="p", tree_digest=digest, rows=[artifacts.ROW])
