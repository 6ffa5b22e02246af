"""A real authentication service on loopback, which a test makes fail."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import orjson

RELEASE_S = 5.0


class Service:
    """Answers of a service, by token; how often each was asked for; how it behaves."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/introspect"
        self.reset()

    def reset(self) -> None:
        """Know no token, answer at once, and forget what was asked."""
        self.answers: dict[str, Any] = {}
        self.asked: Counter[str] = Counter()
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self.raw: bytes | None = None
        self.trickles = False
        # Cleared, it holds every answer back until it is set, or for some seconds.
        self.answering = threading.Event()
        self.answering.set()

    def knows(self, token: str, **changes: Any) -> None:
        """Let a token be active."""
        stated = {"active": True, "sub": f"subject-{len(token)}", "scope": "read predict write"}
        self.answers[token] = {**stated, **changes}

    @property
    def total(self) -> int:
        return self.asked.total()

    def body_of(self, token: str) -> bytes:
        if self.raw is not None:
            return self.raw
        return orjson.dumps(self.answers.get(token, {"active": False}))


@contextmanager
def serving() -> Iterator[Service]:
    """A service that listens until the end of the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    service = Service(server.server_address[1])
    server.service = service  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.answering.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        service: Service = self.server.service  # type: ignore[attr-defined]
        content = self.rfile.read(int(self.headers["Content-Length"])).decode()
        token = parse_qs(content)["token"][0]
        service.asked[token] += 1
        service.headers.append(dict(self.headers))
        service.answering.wait(RELEASE_S)
        body = service.body_of(token)
        try:
            self._answer(service, body)
        except OSError:
            # Whoever asked has left.
            self.close_connection = True

    def _answer(self, service: Service, body: bytes) -> None:
        self.send_response(service.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for at in range(0, len(body), 1 if service.trickles else len(body) or 1):
            self.wfile.write(body[at : at + 1] if service.trickles else body)
            if service.trickles:
                threading.Event().wait(0.02)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""
