"""Plain NumPy files of unknown origin: their headers, and a digest of what records hold."""

import io
import math
import struct
import tokenize
from hashlib import sha256
from typing import IO, Any, Final

import numpy as np

# NumPy parses a header as Python's literals, with Python's many ways to fail.
_BROKEN: Final = (
    EOFError,
    IndexError,
    KeyError,
    MemoryError,
    OverflowError,
    RecursionError,
    SyntaxError,
    TypeError,
    struct.error,
    tokenize.TokenError,
)


def read_array_header(data: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and dtype of an .npy file, whose data begin where `data` then stands.

    Raises ValueError for a header that is broken or of an unknown version.
    """
    try:
        version = np.lib.format.read_magic(data)
        if version == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(data)
        elif version in {(2, 0), (3, 0)}:
            shape, _, dtype = np.lib.format.read_array_header_2_0(data)
        else:
            raise ValueError(f"unknown version {version}")
    except _BROKEN as error:
        raise ValueError(f"the header is broken: {type(error).__name__}") from error
    if any(side < 0 for side in shape):
        raise ValueError("a side is negative")
    return shape, dtype


def records_digest(content: bytes) -> bytes | None:
    """SHA-256 over the fields of an array of records; None for any other content.

    Records are padded with whatever lay in memory: two saves of one tree differ there.
    """
    data = io.BytesIO(content)
    try:
        shape, dtype = read_array_header(data)
    except ValueError:
        return None
    held = len(content) - data.tell()
    if dtype.names is None or dtype.hasobject or math.prod(shape) * dtype.itemsize > held:
        return None
    data.seek(0)
    records = np.load(data, allow_pickle=False)
    digest = sha256(repr((shape, dtype.descr)).encode())
    for name in dtype.names:
        digest.update(np.ascontiguousarray(records[name]).tobytes())
    return digest.digest()
