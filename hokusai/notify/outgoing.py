"""One POST to a stranger: a pinned address, a deadline for the whole of it, no redirect."""

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from hokusai.notify.addresses import Target, resolve, target_of
from hokusai.notify.exceptions import Unreachable

# What is read of an answer's body.
ANSWER_BYTES = 2048
_FAILURES = (OSError, http.client.HTTPException)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status and how the body begins."""

    status_code: int
    text: str

    @property
    def arrived(self) -> bool:
        """Whether the receiver took what was sent."""
        return HTTPStatus.OK <= self.status_code < HTTPStatus.MULTIPLE_CHOICES


def post(url: str, *, headers: Mapping[str, str], body: bytes, timeout_s: float) -> Answer:
    """Send a body and read how the answer begins; the environment's proxies are not used.

    The name is resolved once and each of its addresses checked; the connection goes to one of
    these. Raises InvalidInput, AddressRefused, Unreachable.
    """
    target = target_of(url)
    deadline = time.monotonic() + timeout_s
    addresses = resolve(target, timeout_s=timeout_s)
    try:
        with _connected(target, addresses, deadline) as connection:
            return _exchange(connection, target, headers, body)
    except _FAILURES as error:
        raise Unreachable(_reason(error, deadline, timeout_s)) from error


def _reason(error: Exception, deadline: float, timeout_s: float) -> str:
    if time.monotonic() >= deadline or isinstance(error, TimeoutError):
        return f"No answer within {timeout_s:g} s."
    return f"No answer: {error or type(error).__name__}"


@contextlib.contextmanager
def _connected(
    target: Target, addresses: list[str], deadline: float
) -> Iterator[http.client.HTTPConnection]:
    plain = _dial(addresses, target.port, deadline)
    with plain, _cut_off(plain, deadline):
        connection = http.client.HTTPConnection(target.host, target.port)
        # It has its socket: it neither looks the name up nor connects by itself.
        connection.auto_open = 0
        connection.sock = _secured(plain, target)
        with contextlib.closing(connection):
            yield connection


def _dial(addresses: list[str], port: int, deadline: float) -> socket.socket:
    failure: OSError = OSError("no address")
    for address in addresses:
        remaining = max(0.001, deadline - time.monotonic())
        try:
            return socket.create_connection((address, port), timeout=remaining)
        except OSError as error:
            failure = error
    raise failure


def _secured(plain: socket.socket, target: Target) -> socket.socket:
    if target.scheme == "http":
        return plain
    return ssl.create_default_context().wrap_socket(plain, server_hostname=target.host)


@contextlib.contextmanager
def _cut_off(plain: socket.socket, deadline: float) -> Iterator[None]:
    """Shut the connection at the deadline: a timeout of the socket begins anew with each byte."""
    guard = plain.dup()
    timer = threading.Timer(max(0.0, deadline - time.monotonic()), _shut, [guard])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        guard.close()


def _shut(guard: socket.socket) -> None:
    # It may be closed already: the exchange ended in the same moment.
    with contextlib.suppress(OSError):
        guard.shutdown(socket.SHUT_RDWR)


def _exchange(
    connection: http.client.HTTPConnection, target: Target, headers: Mapping[str, str], body: bytes
) -> Answer:
    connection.request(
        "POST", target.path, body=body, headers={"Host": target.host_header, **headers}
    )
    response = connection.getresponse()
    text = _beginning(response).decode(errors="replace").replace("\x00", "")
    return Answer(response.status, text)


def _beginning(response: http.client.HTTPResponse) -> bytes:
    taken = b""
    # The status is the answer: a body that breaks off, or never ends, does not take it back.
    with contextlib.suppress(*_FAILURES):
        while len(taken) < ANSWER_BYTES and (part := response.read1(ANSWER_BYTES - len(taken))):
            taken += part
    return taken
