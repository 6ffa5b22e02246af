"""What every upload store must hold to, run over each; parts are sent as clients send them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from hokusai.core.errors import InvalidInput
from hokusai.storage.multipart.base import (
    MIN_PART_BYTES,
    PartsMismatch,
    UploadNotFound,
    UploadStore,
)
from hokusai.storage.multipart.local import LocalUploads
from hokusai.storage.multipart.memory import MemoryUploads
from hokusai.storage.multipart.s3 import S3Uploads

KEY = "projects/prj_1/upl_1"
FIRST, LAST = b"a" * MIN_PART_BYTES, b"the end"
EXPIRES_S = 60


@dataclass
class Held:
    """A store, and the client of its links: sends bytes to one and returns the ETag."""

    store: UploadStore
    send: Callable[[str, bytes], str]

    def upload(self, key: str = KEY) -> str:
        """Send two parts, the last first; the upload's id."""
        upload_id = self.store.begin(key)
        for number, content in ((2, LAST), (1, FIRST)):
            self.part(upload_id, number, content, key)
        return upload_id

    def part(self, upload_id: str, number: int, content: bytes, key: str = KEY) -> str:
        url = self.store.part_url(key, upload_id, number, expires_s=EXPIRES_S)
        return self.send(url, content)


def _put(url: str, content: bytes) -> str:
    answer = requests.put(url, data=content, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.headers["ETag"].strip('"')


def _local(request: pytest.FixtureRequest) -> Held:
    return Held(LocalUploads(**request.getfixturevalue("store_process").options), _put)


def _memory(request: pytest.FixtureRequest) -> Held:
    store = MemoryUploads()
    return Held(store, store.receive)


def _s3(request: pytest.FixtureRequest) -> Held:
    return Held(S3Uploads(**request.getfixturevalue("s3").options), _put)


@pytest.fixture(params=[_local, _memory, _s3], ids=["local", "memory", "s3"])
def held(request: pytest.FixtureRequest) -> Held:
    found: Held = request.param(request)
    return found


def test_parts_in_any_order_become_one_object(held: Held, tmp_path: Path) -> None:
    upload_id = held.upload()
    parts = held.store.parts(KEY, upload_id)
    assert [(part.number, part.size_bytes) for part in parts] == [(1, len(FIRST)), (2, len(LAST))]
    held.store.complete(KEY, upload_id, parts)
    assert held.store.size(KEY) == len(FIRST) + len(LAST)
    held.store.download(KEY, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == FIRST + LAST


def test_an_empty_file_is_one_empty_part(held: Held, tmp_path: Path) -> None:
    upload_id = held.store.begin(KEY)
    held.part(upload_id, 1, b"")
    held.store.complete(KEY, upload_id, held.store.parts(KEY, upload_id))
    assert held.store.size(KEY) == 0
    held.store.download(KEY, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b""


def test_the_answer_to_a_part_names_it_as_the_list_does(held: Held) -> None:
    upload_id = held.store.begin(KEY)
    etag = held.part(upload_id, 1, b"rows")
    assert [part.etag for part in held.store.parts(KEY, upload_id)] == [etag]


def test_a_part_sent_again_replaces_the_first(held: Held) -> None:
    upload_id = held.store.begin(KEY)
    before = held.part(upload_id, 1, b"first")
    after = held.part(upload_id, 1, b"second try")
    assert before != after
    assert [(p.size_bytes, p.etag) for p in held.store.parts(KEY, upload_id)] == [(10, after)]


def test_completing_twice_is_the_same_as_once(held: Held) -> None:
    upload_id = held.upload()
    parts = held.store.parts(KEY, upload_id)
    held.store.complete(KEY, upload_id, parts)
    held.store.complete(KEY, upload_id, parts)
    assert held.store.size(KEY) == len(FIRST) + len(LAST)
    with pytest.raises(UploadNotFound):
        held.store.complete(KEY, upload_id, parts[:1])


def test_parts_that_were_not_received_are_refused(held: Held) -> None:
    upload_id = held.upload()
    first, last = held.store.parts(KEY, upload_id)
    absent = replace(last, number=3)
    changed = replace(last, etag="0" * 32)
    for named in ([], [first, absent], [first, changed], [first, last, last]):
        with pytest.raises(PartsMismatch):
            held.store.complete(KEY, upload_id, named)
    held.store.complete(KEY, upload_id, [last, first])


def test_a_part_that_is_not_named_is_left_out(held: Held, tmp_path: Path) -> None:
    upload_id = held.upload()
    held.store.complete(KEY, upload_id, held.store.parts(KEY, upload_id)[:1])
    held.store.download(KEY, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == FIRST


def test_an_aborted_upload_leaves_nothing(held: Held) -> None:
    upload_id = held.upload()
    held.store.abort(KEY, upload_id)
    held.store.abort(KEY, upload_id)
    with pytest.raises(UploadNotFound):
        held.store.parts(KEY, upload_id)
    with pytest.raises(UploadNotFound):
        held.store.size(KEY)
    assert list(held.store.unfinished()) == []


def test_unfinished_uploads_are_listed(held: Held) -> None:
    kept, done = held.store.begin(KEY), held.upload("projects/prj_1/upl_2")
    held.store.complete(
        "projects/prj_1/upl_2", done, held.store.parts("projects/prj_1/upl_2", done)
    )
    (found,) = held.store.unfinished()
    assert (found.key, found.upload_id) == (KEY, kept)
    # moto gives every open upload one fixed date, long ago.
    assert found.began_at < datetime.now(UTC) + timedelta(minutes=5)


@pytest.mark.parametrize("held_bytes", [0, 100, MIN_PART_BYTES, MIN_PART_BYTES + 3])
def test_a_download_goes_on_where_it_stopped(held: Held, tmp_path: Path, held_bytes: int) -> None:
    upload_id = held.upload()
    held.store.complete(KEY, upload_id, held.store.parts(KEY, upload_id))
    target = tmp_path / "file"
    # What is there is kept as it is: marked bytes show that they were not fetched again.
    target.write_bytes(b"x" * held_bytes)
    held.store.download(KEY, target)
    assert target.read_bytes() == b"x" * held_bytes + (FIRST + LAST)[held_bytes:]


def test_a_file_longer_than_the_upload_is_written_anew(held: Held, tmp_path: Path) -> None:
    upload_id = held.store.begin(KEY)
    held.part(upload_id, 1, b"rows")
    held.store.complete(KEY, upload_id, held.store.parts(KEY, upload_id))
    (tmp_path / "file").write_bytes(b"of something else")
    held.store.download(KEY, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"rows"


def test_deleting_twice_is_the_same_as_once(held: Held, tmp_path: Path) -> None:
    upload_id = held.upload()
    held.store.complete(KEY, upload_id, held.store.parts(KEY, upload_id))
    held.store.delete(KEY)
    held.store.delete(KEY)
    with pytest.raises(UploadNotFound):
        held.store.size(KEY)
    with pytest.raises(UploadNotFound):
        held.store.download(KEY, tmp_path / "file")
    assert not (tmp_path / "file").exists()


@pytest.mark.parametrize(
    "key", ["", "../x", "a/../b", "/a", "a/", "a//b", ".hidden", "a/.b", "a b", "ä", "a" * 513]
)
def test_a_key_that_leaves_its_place_is_refused(held: Held, key: str) -> None:
    upload_id = held.store.begin(KEY)
    with pytest.raises(InvalidInput):
        held.store.begin(key)
    with pytest.raises(InvalidInput):
        held.store.part_url(key, upload_id, 1, expires_s=EXPIRES_S)
    with pytest.raises(InvalidInput):
        held.store.delete(key)


@pytest.mark.parametrize("number", [0, -1, 10_001])
def test_parts_are_numbered_from_1_to_10_000(held: Held, number: int) -> None:
    upload_id = held.store.begin(KEY)
    with pytest.raises(InvalidInput):
        held.store.part_url(KEY, upload_id, number, expires_s=EXPIRES_S)
    assert held.store.part_url(KEY, upload_id, 10_000, expires_s=EXPIRES_S)
