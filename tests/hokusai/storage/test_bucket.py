from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from hokusai.embedded.ports import any_free
from hokusai.storage.base import ContentMissing, StorageUnavailable
from hokusai.storage.bucket import Bucket, translated
from hokusai.storage.multipart.s3 import S3Uploads
from hokusai.storage.s3 import S3Store
from tests.hokusai.storage.conftest import S3Server


def _refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "GetObject")


def test_a_bucket_that_does_not_answer_is_unavailable(s3: S3Server, tmp_path: Path) -> None:
    options = {**s3.options, "endpoint_url": f"http://127.0.0.1:{any_free()}"}
    store, uploads = S3Store(root=str(tmp_path), **options), S3Uploads(**options)
    for ask in (
        lambda: store.put(b"rows"),
        lambda: store.get("0" * 64),
        lambda: list(store.stored()),
        lambda: uploads.begin("key"),
        lambda: uploads.size("key"),
    ):
        with pytest.raises(StorageUnavailable):
            ask()


def test_a_bucket_that_is_not_there_is_unavailable(s3: S3Server, tmp_path: Path) -> None:
    store = S3Store(root=str(tmp_path), **{**s3.options, "name": "another-bucket"})
    with pytest.raises(StorageUnavailable):
        store.put(b"rows")


def test_links_name_the_address_that_clients_reach(s3: S3Server) -> None:
    bucket = Bucket(**s3.options, public_url="https://files.example")
    link = bucket.get_url("blobs/x", filename="x", expires_s=60)
    assert link.startswith(f"https://files.example/{s3.bucket}/blobs/x?")
    part = bucket.put_part_url("uploads/x", "id", 1, expires_s=60)
    assert part.startswith(f"https://files.example/{s3.bucket}/uploads/x?")
    assert "checksum" not in part.lower()


def test_only_an_absent_object_is_absent() -> None:
    with pytest.raises(ContentMissing), translated(absent=ContentMissing("Gone.")):
        raise _refusal("NoSuchKey")
    with pytest.raises(StorageUnavailable), translated(absent=ContentMissing("Gone.")):
        raise _refusal("AccessDenied")
    with pytest.raises(StorageUnavailable), translated():
        raise _refusal("NoSuchKey")
