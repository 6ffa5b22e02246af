from pathlib import Path

import pytest

from hokusai.storage.base import StorageUnavailable
from hokusai.storage.multipart.base import UploadNotFound
from hokusai.storage.multipart.local import LocalUploads


@pytest.fixture
def store(tmp_path: Path) -> LocalUploads:
    return LocalUploads(root=str(tmp_path), url="http://127.0.0.1:1", secret="s" * 32)


def test_without_a_store_process_there_are_no_links(tmp_path: Path) -> None:
    store = LocalUploads(root=str(tmp_path))
    with pytest.raises(StorageUnavailable, match="STORE_URL"):
        store.part_url("a", store.begin("a"), 1, expires_s=60)


def test_an_upload_is_found_under_its_own_key_only(store: LocalUploads) -> None:
    upload_id = store.begin("mine")
    with pytest.raises(UploadNotFound):
        store.parts("other", upload_id)
    store.abort("other", upload_id)
    assert store.parts("mine", upload_id) == []


@pytest.mark.parametrize("upload_id", ["", "..", "../objects", "A" * 32])
def test_an_id_that_leaves_its_place_is_not_found(store: LocalUploads, upload_id: str) -> None:
    store.begin("mine")
    with pytest.raises(UploadNotFound):
        store.parts("mine", upload_id)
    with pytest.raises(UploadNotFound):
        store.part_url("mine", upload_id, 1, expires_s=60)


def test_folders_of_uploads_are_private(store: LocalUploads, tmp_path: Path) -> None:
    store.begin("mine")
    (folder,) = (tmp_path / "uploads" / "parts").iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
