import datetime
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pytest_django import Settings

from hokusai.notify import outgoing
from hokusai.notify.exceptions import AddressRefused, Unreachable
from tests.hokusai.notify.receiver import Receiver, listening


def post(url: str, timeout_s: float = 5.0) -> outgoing.Answer:
    return outgoing.post(url, headers={"X-Kind": "test"}, body=b"{}", timeout_s=timeout_s)


def test_a_body_arrives_with_its_headers_and_path(receiver: Receiver) -> None:
    assert post(receiver.url).status_code == 204
    (request,) = receiver.received
    assert request.body == b"{}"
    assert request.path == "/hook?from=hokusai"
    assert request.headers["x-kind"] == "test"
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"


def test_a_redirect_is_an_answer_and_never_followed(receiver: Receiver) -> None:
    with listening() as inside:

        def elsewhere(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(307)
            handler.send_header("Location", inside.url)
            handler.end_headers()

        receiver.answering = elsewhere
        answer = post(receiver.url)
        assert (answer.status_code, answer.arrived) == (307, False)
        assert inside.received == []


def test_of_a_huge_answer_only_the_beginning_is_read(receiver: Receiver) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while not receiver.over.is_set():
                handler.wfile.write(b"\x00abc" * 16_384)
        except OSError:
            receiver.status = 0

    receiver.answering = endless
    answer = post(receiver.url)
    assert answer.status_code == 200
    assert len(answer.text) <= outgoing.ANSWER_BYTES
    assert answer.text.startswith("abc")


def drip(receiver: Receiver, handler: BaseHTTPRequestHandler, what: bytes) -> None:
    """Send a byte at a time, so that no single wait is long."""
    try:
        while not receiver.over.wait(0.02):
            handler.wfile.write(what)
            handler.wfile.flush()
    except OSError:
        receiver.status = 0


def test_a_server_that_drips_its_head_is_cut_off_at_the_deadline(receiver: Receiver) -> None:
    receiver.answering = lambda handler: drip(receiver, handler, b"H")
    with pytest.raises(Unreachable, match=r"within 0\.3 s"):
        post(receiver.url, timeout_s=0.3)


def test_a_server_that_drips_its_body_has_answered(receiver: Receiver) -> None:
    def slowly(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(202)
        handler.end_headers()
        drip(receiver, handler, b"z")

    receiver.answering = slowly
    answer = post(receiver.url, timeout_s=0.3)
    assert answer.status_code == 202
    assert set(answer.text) <= {"z"}


def test_a_server_that_says_nothing_is_given_up(receiver: Receiver) -> None:
    receiver.answering = lambda handler: receiver.over.wait() and None
    with pytest.raises(Unreachable, match=r"within 0\.2 s"):
        post(receiver.url, timeout_s=0.2)


def test_a_server_that_hangs_up_is_unreachable(receiver: Receiver) -> None:
    receiver.answering = lambda handler: handler.connection.shutdown(socket.SHUT_RDWR)
    with pytest.raises(Unreachable):
        post(receiver.url)


def test_a_server_that_speaks_something_else_is_unreachable(receiver: Receiver) -> None:
    receiver.answering = lambda handler: handler.wfile.write(b"SSH-2.0-OpenSSH\r\n") and None
    with pytest.raises(Unreachable):
        post(receiver.url)


def test_a_closed_port_is_unreachable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(Unreachable):
        post(f"http://127.0.0.1:{port}/")


def test_the_checked_address_is_the_one_that_is_called(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that leads elsewhere at the second look gains nothing: there is no second look."""
    looks = []

    def look_up(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        if host == "127.0.0.1":
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]
        looks.append(host)
        address = "127.0.0.1" if len(looks) == 1 else "169.254.169.254"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert post(f"http://localhost:{receiver.port}/").status_code == 204
    assert looks == ["localhost"]


def test_where_private_addresses_are_closed_nothing_is_sent(
    receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = False
    with pytest.raises(AddressRefused):
        post(f"https://localhost:{receiver.port}/")
    assert receiver.received == []


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Path]:
    """A certificate of `localhost` with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "localhost.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture
def secure(authority: Path) -> Iterator[Receiver]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority)
    with listening(context) as found:
        yield found


def test_https_is_checked_against_the_name_though_the_address_is_pinned(
    secure: Receiver, authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    assert post(f"https://localhost:{secure.port}/").status_code == 204
    assert secure.received[0].headers["host"] == f"localhost:{secure.port}"
    with pytest.raises(Unreachable, match="certificate"):
        post(f"https://{ipaddress.ip_address('127.0.0.1')}:{secure.port}/")


def test_a_certificate_that_nobody_vouches_for_is_refused(secure: Receiver) -> None:
    with pytest.raises(Unreachable, match="certificate"):
        post(f"https://localhost:{secure.port}/")
    assert secure.received == []
