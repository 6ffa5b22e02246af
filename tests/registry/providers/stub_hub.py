"""A small hub on loopback that answers as https://huggingface.co does, as far as it is asked."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

REVISION = "a" * 40
REPOSITORY = "tides/forecast"
FILES = {"README.md": b"---\nlicense: mit\n---\n# Tides\n", "model.onnx": b"onnx" * 1000}
LARGE = frozenset({"model.onnx"})
_RESOLVE = re.compile(rf"/{REPOSITORY}/resolve/{REVISION}/(?P<path>.+)")


class Hub(ThreadingHTTPServer):
    """`status` other than 200 is what every request is answered; `sent` lists what was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.sent = 200, list[str]()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def log_message(self, *args: Any) -> None:
        self.server.sent.append(self.path)

    def _answer(self, *, body: bool) -> None:
        found = _RESOLVE.fullmatch(self.path)
        if self.server.status != 200:
            self._send(self.server.status, b"{}", {}, body=body)
        elif self.path.startswith(f"/api/models/{REPOSITORY}/revision/{REVISION}"):
            self._send(200, json.dumps(_info()).encode(), {}, body=body)
        elif found and found["path"] in FILES:
            self._file(found["path"], body=body)
        else:
            headers = {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}
            self._send(404, b'{"error":"Repository not found"}', headers, body=body)

    def _file(self, path: str, *, body: bool) -> None:
        content = FILES[path]
        digest = hashlib.sha256(content).hexdigest()
        headers = {"X-Repo-Commit": REVISION, "ETag": f'"{digest}"', "Accept-Ranges": "bytes"}
        self._send(200, content, headers, body=body)

    def _send(self, status: int, content: bytes, headers: dict[str, str], *, body: bool) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)


def _info() -> dict[str, Any]:
    siblings = []
    for path, content in FILES.items():
        row: dict[str, Any] = {"rfilename": path, "size": len(content), "blobId": "b" * 40}
        if path in LARGE:
            digest = hashlib.sha256(content).hexdigest()
            row["lfs"] = {"sha256": digest, "size": len(content), "pointerSize": 130}
        siblings.append(row)
    return {
        "_id": "1",
        "id": REPOSITORY,
        "modelId": REPOSITORY,
        "sha": REVISION,
        "private": False,
        "tags": [],
        "downloads": 0,
        "siblings": siblings,
    }


@contextmanager
def hub() -> Iterator[Hub]:
    """A hub that serves until the block ends."""
    server = Hub()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
