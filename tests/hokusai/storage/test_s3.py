import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hokusai.storage import s3 as module
from hokusai.storage.base import ContentMissing
from hokusai.storage.s3 import S3Store
from hokusai.storage.sweeping import sweep
from tests.hokusai.storage.conftest import ROOT, S3Server

KILLED = """
import json, os, signal, sys
from django.conf import settings
settings.configure()
from hokusai.storage.s3 import S3Store
from hokusai.storage.sweeping import sweep
store = S3Store(root=sys.argv[1], **json.loads(sys.argv[2]))
store._bucket.client
from botocore.httpsession import URLLib3Session
real, sent = URLLib3Session.send, []
def send(self, request):
    if request.method in ("PUT", "POST"):
        sent.append(request)
        if len(sent) == int(sys.argv[4]):
            os.kill(os.getpid(), signal.SIGKILL)
    return real(self, request)
URLLib3Session.send = send
from pathlib import Path
store.put_tree(Path(sys.argv[3]))
"""


@pytest.fixture
def store(s3: S3Server, tmp_path: Path) -> S3Store:
    return S3Store(root=str(tmp_path / "cache"), **s3.options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "artifact"
    root.mkdir()
    (root / "MLmodel").write_bytes(b"flavors: {}\n")
    (root / "weights").write_bytes(bytes(17 * 1024 * 1024))
    return root


# Two blobs, one of them in two parts (begin, two parts, complete), then the manifest.
@pytest.mark.parametrize("request_number", [2, 4, 5, 6])
def test_a_writer_killed_at_any_request_leaves_no_half_content(
    store: S3Store, s3: S3Server, folder: Path, tmp_path: Path, request_number: int
) -> None:
    arguments = [str(tmp_path / "other"), json.dumps(s3.options), str(folder), str(request_number)]
    died = subprocess.run([sys.executable, "-c", KILLED, *arguments], cwd=ROOT, check=False)
    assert died.returncode == -9
    found = list(store.stored())
    assert [entry for entry in found if entry.kind == "tree"] == []
    for entry in found:
        if entry.kind == "blob":
            assert store.verify(entry.digest) == entry.size_bytes
    for entry in found:
        if entry.kind == "draft":
            assert store.remove("draft", entry.digest)
            assert not store.remove("draft", entry.digest)
    digest = store.put_tree(folder).digest
    assert store.verify_tree(digest).digest == digest
    assert [entry for entry in store.stored() if entry.kind == "draft"] == []


def test_what_is_on_this_machine_is_not_fetched_again(
    store: S3Store, s3: S3Server, folder: Path
) -> None:
    manifest = store.put_tree(folder)
    files = store.materialise(manifest.digest)
    for file in manifest.files:
        s3.client.delete_object(Bucket=s3.bucket, Key=f"blobs/{file.sha256[:2]}/{file.sha256}")
    assert store.materialise(manifest.digest) == files


def test_a_damaged_cache_is_fetched_again(store: S3Store, folder: Path) -> None:
    files = store.materialise(store.put_tree(folder).digest)
    (files / "MLmodel").chmod(0o644)
    (files / "MLmodel").write_bytes(b"flavors: ()\n")
    assert (store.materialise(files.parent.name) / "MLmodel").read_bytes() == b"flavors: {}\n"


def test_a_tree_whose_blob_is_gone_is_missing(store: S3Store, s3: S3Server, folder: Path) -> None:
    manifest = store.put_tree(folder)
    lost = manifest.files[0].sha256
    s3.client.delete_object(Bucket=s3.bucket, Key=f"blobs/{lost[:2]}/{lost}")
    with pytest.raises(ContentMissing):
        store.materialise(manifest.digest)


def test_keeping_old_content_again_makes_it_new(
    store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = store.put(b"rows")
    (before,) = store.stored()
    monkeypatch.setattr(module, "FRESH", timedelta(days=-1))
    store.put(b"rows")
    (after,) = store.stored()
    assert after.modified_at >= before.modified_at
    assert store.get(digest) == b"rows"
    assert store.remove("blob", digest, unless_since=datetime.now(UTC) + timedelta(minutes=1))


def test_an_object_says_its_digest(store: S3Store, s3: S3Server) -> None:
    digest = store.put(b"rows")
    head = s3.client.head_object(Bucket=s3.bucket, Key=f"blobs/{digest[:2]}/{digest}")
    assert head["Metadata"] == {"sha256": digest}


def test_a_bucket_is_swept_of_what_nobody_refers_to(
    store: S3Store, s3: S3Server, folder: Path
) -> None:
    kept = store.put_tree(folder).digest
    orphan = store.put(b"of nobody")
    s3.client.create_multipart_upload(Bucket=s3.bucket, Key=f"blobs/ab/{'ab' * 32}")

    report = sweep(
        store, lambda: [("tree", kept)], grace=timedelta(minutes=-5), verify=True, apply=True
    )
    assert {found.kind for found in report.unreferenced} == {"blob", "draft"}
    assert (report.removed, report.verified, report.damaged, report.missing) == (2, 2, [], [])
    with pytest.raises(ContentMissing):
        store.get(orphan)
    assert store.verify_tree(kept).digest == kept
    assert {found.kind for found in store.stored()} == {"blob", "tree"}
