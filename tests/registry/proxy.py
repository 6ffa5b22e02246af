"""A proxy before a real tracking server that goes wrong on request; on loopback."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Fault = Callable[["Handler", http.client.HTTPResponse, bytes], None]


class Faults:
    """How the next answers to a path go wrong; the server itself has committed by then."""

    def __init__(self) -> None:
        self.path, self.fault, self.left = "", None, 0  # type: str, Fault | None, int
        self.down = False

    def after_commit(self, path: str, fault: Fault, times: int = 1) -> None:
        self.path, self.fault, self.left = path, fault, times


def answers_503(handler: "Handler", answer: http.client.HTTPResponse, body: bytes) -> None:
    """The server, or something before it, fails once the change is made."""
    handler.send_response(503)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def drops_connection(handler: "Handler", answer: http.client.HTTPResponse, body: bytes) -> None:
    """The answer never comes."""
    handler.close_connection = True
    handler.connection.close()


class Handler(BaseHTTPRequestHandler):
    """Passes requests on, and answers unless a fault is due."""

    protocol_version = "HTTP/1.1"
    faults: Faults
    upstream: str

    def pass_on(self) -> None:
        if self.faults.down:
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        place = urlsplit(self.upstream)
        server = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
        skipped = {"host", "connection"}
        headers = {k: v for k, v in self.headers.items() if k.lower() not in skipped}
        server.request(self.command, self.path, body, headers)
        answer = server.getresponse()
        content = answer.read()
        server.close()
        if self.faults.left and self.faults.fault and self.faults.path in self.path:
            self.faults.left -= 1
            self.faults.fault(self, answer, content)
            return
        self._answer(answer, content)

    def _answer(self, answer: http.client.HTTPResponse, content: bytes) -> None:
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {"transfer-encoding", "connection", "content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


for _method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
    setattr(Handler, f"do_{_method}", Handler.pass_on)


@contextmanager
def proxy_before(upstream: str) -> Iterator[tuple[str, Faults]]:
    """The proxy's address, and its faults."""
    faults = Faults()
    kind = type("Bound", (Handler,), {"faults": faults, "upstream": upstream})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", faults
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
