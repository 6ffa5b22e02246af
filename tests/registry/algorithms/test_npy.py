import io

import numpy as np
import pytest

from registry.algorithms.npy import read_array_header, records_digest

ALIGNED = np.dtype([("index", "<i8"), ("flag", "u1")], align=True)


def written(array: np.ndarray) -> bytes:
    data = io.BytesIO()
    np.save(data, array)
    return data.getvalue()


def test_the_padding_of_records_does_not_count() -> None:
    first = np.frombuffer(b"\x01" + bytes(8) + b"\x00" * 7, dtype=ALIGNED)
    second = np.frombuffer(b"\x01" + bytes(8) + b"\xff" * 7, dtype=ALIGNED)
    assert written(first) != written(second)
    assert records_digest(written(first)) == records_digest(written(second))


def test_other_records_have_another_digest() -> None:
    first, second = np.zeros(2, ALIGNED), np.ones(2, ALIGNED)
    assert records_digest(written(first)) != records_digest(written(second))


@pytest.mark.parametrize("content", [written(np.zeros(3)), b"no array", b"\x93NUMPY"])
def test_only_records_have_a_digest_of_their_own(content: bytes) -> None:
    assert records_digest(content) is None


def test_records_that_declare_more_than_they_hold_are_not_read() -> None:
    assert records_digest(written(np.zeros(1_000, ALIGNED))[:200]) is None


def test_a_header_states_shape_and_dtype() -> None:
    shape, dtype = read_array_header(io.BytesIO(written(np.zeros((2, 3), np.float32))))
    assert (shape, dtype) == ((2, 3), np.dtype("float32"))


def test_a_header_that_does_not_close_is_refused() -> None:
    with pytest.raises(ValueError, match="broken"):
        read_array_header(io.BytesIO(b"\x93NUMPY\x01\x00\x05\x00{'a':"))


def test_a_header_of_an_unknown_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version"):
        read_array_header(io.BytesIO(b"\x93NUMPY\x09\x00" + bytes(200)))
