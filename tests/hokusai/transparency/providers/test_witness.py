"""The client meets a server that answers as witnesses may, well or badly."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from hokusai.embedded.ports import any_free
from hokusai.transparency.exceptions import WitnessRefused, WitnessUnavailable
from hokusai.transparency.providers.witness import WitnessBehind, add_checkpoint


class Answering(BaseHTTPRequestHandler):
    """Answers what the test says and keeps what was asked."""

    status, text = 200, ""
    asked: list[tuple[str, str]] = []

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.asked.append((self.path, self.rfile.read(length).decode()))
        data = self.text.encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Quiet."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/w1/"
    server.shutdown()
    server.server_close()


def ask(url: str) -> str:
    return add_checkpoint(
        url, old=3, proof=[bytes(32), b"\x01" * 32], note="log\n4\nroot\n", timeout_s=5
    )


def test_the_request_is_old_size_proof_and_checkpoint(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Answering, "asked", [])
    monkeypatch.setattr(Answering, "text", "\u2014 w AAAAAAAA\n")
    assert ask(url) == "\u2014 w AAAAAAAA\n"
    ((path, body),) = Answering.asked
    assert path == "/w1/add-checkpoint"
    zeros, ones = "A" * 43 + "=", "AQEB" * 10 + "AQE="
    assert body == f"old 3\n{zeros}\n{ones}\n\nlog\n4\nroot\n"


def test_a_witness_that_saw_another_size_says_which(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Answering, "status", 409)
    monkeypatch.setattr(Answering, "text", "20852014\n")
    with pytest.raises(WitnessBehind) as caught:
        ask(url)
    assert caught.value.size == 20_852_014


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (409, "no number", WitnessRefused),
        (403, "unknown key", WitnessRefused),
        (422, "does not follow", WitnessRefused),
        (302, "", WitnessRefused),
        (503, "", WitnessUnavailable),
        (429, "", WitnessUnavailable),
    ],
)
def test_other_answers_are_refusals_or_to_be_asked_again(
    url: str, monkeypatch: pytest.MonkeyPatch, status: int, text: str, expected: type[Exception]
) -> None:
    monkeypatch.setattr(Answering, "status", status)
    monkeypatch.setattr(Answering, "text", text)
    with pytest.raises(expected) as caught:
        ask(url)
    assert type(caught.value) is expected


def test_of_an_endless_answer_only_the_beginning_is_read(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Answering, "text", "x" * 1_000_000)
    assert len(ask(url)) == 16 * 1024


def test_nobody_there_is_to_be_asked_again() -> None:
    with pytest.raises(WitnessUnavailable):
        ask(f"http://127.0.0.1:{any_free()}")
