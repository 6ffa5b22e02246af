"""The store process as a client meets it, over HTTP."""

import base64
import hashlib
import http.client
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from hokusai.storage.local import LocalStore
from hokusai.storage.multipart.local import LocalUploads
from hokusai.storehouse.layout import parts_folder
from hokusai.storehouse.server import create_app
from hokusai.storehouse.signing import signed_query
from tests.hokusai.storage.conftest import ORIGIN, ROOT, StoreProcess

FAR = 4_000_000_000


@pytest.fixture
def uploads(store_process: StoreProcess) -> LocalUploads:
    return LocalUploads(**store_process.options, max_part_bytes=1000)


@pytest.fixture
def content(store_process: StoreProcess) -> LocalStore:
    return LocalStore(**store_process.options)


def _part_url(uploads: LocalUploads, key: str = "key") -> tuple[str, str]:
    upload_id = uploads.begin(key)
    return upload_id, uploads.part_url(key, upload_id, 1, expires_s=60)


def _refused(answer: requests.Response, status: int, code: str) -> None:
    assert answer.status_code == status
    assert answer.json()["code"] == code
    assert answer.json()["message"]


def test_a_part_of_the_largest_size_is_kept_and_a_larger_one_refused(uploads: LocalUploads) -> None:
    upload_id, url = _part_url(uploads)
    _refused(requests.put(url, data=bytes(1001), timeout=10), 413, "part_too_large")
    assert uploads.parts("key", upload_id) == []
    assert requests.put(url, data=bytes(1000), timeout=10).status_code == 200


def test_a_body_of_unknown_length_is_counted(uploads: LocalUploads) -> None:
    upload_id, url = _part_url(uploads)
    answer = requests.put(url, data=iter([bytes(600), bytes(600)]), timeout=10)
    _refused(answer, 413, "part_too_large")
    assert uploads.parts("key", upload_id) == []
    assert requests.put(url, data=iter([b"ro", b"ws"]), timeout=10).status_code == 200
    assert [part.size_bytes for part in uploads.parts("key", upload_id)] == [4]


def test_a_client_that_leaves_keeps_the_part_as_it_was(
    uploads: LocalUploads, store_process: StoreProcess
) -> None:
    upload_id, url = _part_url(uploads)
    requests.put(url, data=b"whole", timeout=10)
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.putrequest("PUT", f"{parts.path}?{parts.query}")
    connection.putheader("Content-Length", "900")
    connection.endheaders(b"half of it")
    connection.close()
    # The next answer of the same process comes after it has seen the end of that connection.
    requests.put(uploads.part_url("key", upload_id, 2, expires_s=60), data=b"next", timeout=10)
    assert [part.size_bytes for part in uploads.parts("key", upload_id)] == [5, 4]


@pytest.mark.parametrize("change", ["signature=0", "max=9", "expires=9"])
def test_a_forged_link_is_refused(uploads: LocalUploads, change: str) -> None:
    upload_id, url = _part_url(uploads)
    name = change.split("=", maxsplit=1)[0]
    head, _, query = url.partition("?")
    kept = [pair for pair in query.split("&") if not pair.startswith(f"{name}=")]
    _refused(
        requests.put(f"{head}?{'&'.join([*kept, change])}", data=b"x", timeout=10), 403, "forbidden"
    )
    _refused(requests.put(f"{url}&{change}", data=b"x", timeout=10), 403, "forbidden")
    _refused(requests.put(head, data=b"x", timeout=10), 403, "forbidden")
    assert uploads.parts("key", upload_id) == []


def test_an_expired_link_is_refused(uploads: LocalUploads, content: LocalStore) -> None:
    put = uploads.part_url("key", uploads.begin("key"), 1, expires_s=-1)
    _refused(requests.put(put, data=b"x", timeout=10), 403, "forbidden")
    get = content.blob_url(content.put(b"rows"), filename="rows", expires_s=-1)
    _refused(requests.get(get, timeout=10), 403, "forbidden")


def test_a_part_of_an_upload_that_is_gone_is_not_found(uploads: LocalUploads) -> None:
    upload_id, url = _part_url(uploads)
    uploads.abort("key", upload_id)
    _refused(requests.put(url, data=b"x", timeout=10), 404, "not_found")


@pytest.mark.parametrize("upload_id", ["..", "%2e%2e", "x", "..%2f..%2fblobs"])
def test_no_signed_name_leads_outside(store_process: StoreProcess, upload_id: str) -> None:
    path = f"/parts/{upload_id}/1"
    query = signed_query(store_process.secret, "PUT", path, {"max": "9"}, expires_at_s=FAR)
    answer = requests.put(f"{store_process.url}{path}?{query}", data=b"x", timeout=10)
    assert answer.status_code in (403, 404, 405)
    assert not [path for path in store_process.root.rglob("*") if path.is_file()]


def test_a_download_names_its_digest(content: LocalStore) -> None:
    digest = content.put(b"rows")
    answer = requests.get(content.blob_url(digest, filename="a.bin", expires_s=60), timeout=10)
    encoded = base64.b64encode(hashlib.sha256(b"rows").digest()).decode()
    assert answer.headers["X-Content-SHA256"] == digest
    assert answer.headers["Repr-Digest"] == f"sha-256=:{encoded}:"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="a.bin"'


def test_a_download_goes_on_where_it_stopped(content: LocalStore) -> None:
    url = content.blob_url(content.put(b"0123456789"), filename="a", expires_s=60)
    answer = requests.get(url, headers={"Range": "bytes=4-"}, timeout=10)
    assert (answer.status_code, answer.content) == (206, b"456789")
    assert answer.headers["Content-Range"] == "bytes 4-9/10"
    assert requests.get(url, headers={"Range": "bytes=99-"}, timeout=10).status_code == 416


def test_an_absent_blob_is_not_found(content: LocalStore) -> None:
    url = content.blob_url("0" * 64, filename="a", expires_s=60)
    _refused(requests.get(url, timeout=10), 404, "not_found")


def test_a_link_to_fetch_does_not_permit_to_send(content: LocalStore) -> None:
    url = content.blob_url(content.put(b"rows"), filename="a", expires_s=60)
    _refused(requests.put(url, data=b"x", timeout=10), 405, "method_not_allowed")
    assert requests.get(url, timeout=10).content == b"rows"


def test_nothing_else_is_there(store_process: StoreProcess) -> None:
    for path in ("/", "/blobs", "/blobs/", "/parts/x", "/docs", "/uploads/parts"):
        _refused(requests.get(store_process.url + path, timeout=10), 404, "not_found")


def test_a_browser_at_the_console_may_send_and_read_the_etag(uploads: LocalUploads) -> None:
    _, url = _part_url(uploads)
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "PUT"}
    before = requests.options(url, headers=asked, timeout=10)
    assert before.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "PUT" in before.headers["Access-Control-Allow-Methods"]
    answer = requests.put(url, data=b"x", headers={"Origin": ORIGIN}, timeout=10)
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
    foreign = requests.put(url, data=b"x", headers={"Origin": "http://other.example"}, timeout=10)
    assert "Access-Control-Allow-Origin" not in foreign.headers


def test_a_process_killed_while_it_receives_leaves_no_half_part(tmp_path: Path) -> None:
    upload_id = LocalUploads(root=str(tmp_path)).begin("key")
    program = (
        "import asyncio, os, signal, sys\n"
        "from pathlib import Path\n"
        "from hokusai.storehouse.receiving import receive_part\n"
        "async def chunks():\n"
        "    yield bytes(2_000_000)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(receive_part(chunks(), Path(sys.argv[1]), 1, max_bytes=9**9, announced=None))"
    )
    folder = parts_folder(tmp_path, upload_id)
    died = subprocess.run([sys.executable, "-c", program, str(folder)], cwd=ROOT, check=False)
    assert died.returncode == -9
    assert LocalUploads(root=str(tmp_path)).parts("key", upload_id) == []


def test_the_process_loads_neither_django_nor_the_platform() -> None:
    program = (
        "import sys, hokusai.storehouse.server\n"
        "print([n for n in sys.modules if n.split('.')[0] in ('django', 'boto3', 'rest_framework')"
        " or n.startswith(('hokusai.core', 'hokusai.storage.'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"


def test_a_short_secret_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="STORE_URL_SECRET"):
        create_app(tmp_path, "short", origins=[])
