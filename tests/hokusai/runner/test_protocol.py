"""Frames arrive whole or not at all."""

import socket
import threading
from collections.abc import Iterator

import pytest

from hokusai.runner import protocol
from hokusai.runner.errors import ProtocolError

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    ours.settimeout(5)
    theirs.settimeout(5)
    with ours, theirs:
        yield ours, theirs


def test_a_header_arrives_as_it_was_sent(pair: Pair) -> None:
    protocol.send(pair[0], {"op": "health"})
    header, block = protocol.decode(protocol.receive(pair[1]) or b"")
    assert (header, bytes(block)) == ({"op": "health"}, b"")


@pytest.mark.parametrize("size", [0, 8, 65536, 3 << 20])
def test_a_block_arrives_whole_and_aligned(pair: Pair, size: int) -> None:
    block = bytes(range(256)) * (size // 256) + b"\x01" * (size % 256)
    sender = threading.Thread(target=protocol.send, args=(pair[0], {"n": size}, block))
    sender.start()
    body = protocol.receive(pair[1])
    sender.join(60)
    assert body is not None
    header, found = protocol.decode(body)
    assert header == {"n": size}
    assert bytes(found) == block
    assert (len(body) - len(found)) % 8 == 0


def test_a_frame_in_single_bytes_is_put_together(pair: Pair) -> None:
    for byte in protocol.encode({"a": 1}):
        pair[0].sendall(bytes([byte]))
    assert protocol.decode(protocol.receive(pair[1]) or b"")[0] == {"a": 1}


def test_nothing_before_the_end_is_none(pair: Pair) -> None:
    pair[0].close()
    assert protocol.receive(pair[1]) is None


def test_an_end_inside_a_frame_is_an_error(pair: Pair) -> None:
    pair[0].sendall(protocol.encode({"a": 1})[:-1])
    pair[0].close()
    with pytest.raises(ProtocolError):
        protocol.receive(pair[1])


def test_an_announced_size_above_the_limit_is_refused(pair: Pair) -> None:
    pair[0].sendall(protocol.LENGTH.pack(1001))
    with pytest.raises(ProtocolError):
        protocol.receive(pair[1], 1000)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"\x01", b"\x01\x00\x00\x00\x09{}", b"\x80\x04N."]
)
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        protocol.decode(body)
