"""Frames on a socket: 4 bytes big-endian length, then JSON, or JSON with a block behind it.

    frame := length:u32 body          body := json | 0x01 header_length:u32 json block

A block is raw bytes, here always float64, little-endian, row-major. Nothing is ever unpickled.
"""

import socket
import struct
from collections.abc import Mapping
from typing import Any, Final

import orjson

from hokusai.runner.errors import ProtocolError

MAX_FRAME_BYTES: Final = 1 << 30
LENGTH: Final = struct.Struct(">I")
BLOCK_MARK: Final = b"\x01"
BLOCK_PREFIX: Final = struct.Struct(">cI")
FIRST_READ_BYTES: Final = 65536

Header = dict[str, Any]
Block = bytes | bytearray | memoryview


def encode(header: Mapping[str, Any]) -> bytes:
    """One whole frame without a block, its length in front."""
    text = orjson.dumps(header)
    return LENGTH.pack(len(text)) + text


def head_of_block(text: bytes, block_bytes: int) -> bytes:
    """What stands before a block of `block_bytes`; `text` is the header's JSON.

    Padded with spaces, so that the block starts at a multiple of 8 in the body and can be read
    where it lies. Raises ProtocolError above the limit.
    """
    text += b" " * (-(BLOCK_PREFIX.size + len(text)) % 8)
    size = BLOCK_PREFIX.size + len(text) + block_bytes
    if size > MAX_FRAME_BYTES:
        raise ProtocolError("The message is too large.", size_bytes=size)
    return LENGTH.pack(size) + BLOCK_PREFIX.pack(BLOCK_MARK, len(text)) + text


def send(connection: socket.socket, header: Mapping[str, Any], block: Block | None = None) -> None:
    """Send one frame; a large block is not copied. OSError passes through."""
    if block is None:
        connection.sendall(encode(header))
        return
    raw = memoryview(block).cast("B")
    connection.sendall(head_of_block(orjson.dumps(header), len(raw)))
    connection.sendall(raw)


def decode(body: Block) -> tuple[Header, memoryview]:
    """Header and block (empty without one) of a frame's body.

    Raises ProtocolError for anything but a JSON object.
    """
    view = memoryview(body)
    try:
        if bytes(view[:1]) != BLOCK_MARK:
            header, block = orjson.loads(view), view[:0]
        else:
            _, size = BLOCK_PREFIX.unpack_from(view)
            start = BLOCK_PREFIX.size + size
            if start > len(view):
                raise ProtocolError("A message is shorter than it says.")
            header, block = orjson.loads(view[BLOCK_PREFIX.size : start]), view[start:]
    except (orjson.JSONDecodeError, struct.error) as error:
        raise ProtocolError("A message could not be read.") from error
    if not isinstance(header, dict):
        raise ProtocolError("A message is not an object.")
    return header, block


def frame_size(head: Block, limit: int = MAX_FRAME_BYTES) -> int:
    """Bytes of the body announced by the first 4 bytes; ProtocolError above `limit`."""
    size: int = LENGTH.unpack_from(head)[0]
    if size > limit:
        raise ProtocolError("A message is too large.", size_bytes=size)
    return size


def receive(connection: socket.socket, limit: int = MAX_FRAME_BYTES) -> bytes | bytearray | None:
    """The body of the next frame; None where the other side closed before its first byte.

    Raises ProtocolError where it closes inside a frame; OSError and TimeoutError pass through.
    """
    chunk = connection.recv(FIRST_READ_BYTES)
    if not chunk:
        return None
    while len(chunk) < LENGTH.size:
        chunk += _some(connection)
    size = frame_size(chunk, limit)
    if len(chunk) == size + LENGTH.size:
        return chunk[LENGTH.size :]
    return _rest(connection, chunk, size)


def _rest(connection: socket.socket, chunk: bytes, size: int) -> bytearray:
    body = bytearray(size)
    got = len(chunk) - LENGTH.size
    if got > size:
        raise ProtocolError("A message was longer than it said.")
    body[:got] = chunk[LENGTH.size :]
    view = memoryview(body)
    while got < size:
        read = connection.recv_into(view[got:])
        if not read:
            raise ProtocolError("The connection ended inside a message.")
        got += read
    return body


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(FIRST_READ_BYTES)
    if not data:
        raise ProtocolError("The connection ended inside a message.")
    return data
