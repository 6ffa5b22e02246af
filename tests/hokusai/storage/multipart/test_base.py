import pytest

from hokusai.core.errors import InvalidInput
from hokusai.storage.multipart.base import (
    MAX_PART_BYTES,
    MAX_UPLOAD_BYTES,
    MIB,
    MIN_PART_BYTES,
    part_size,
)
from hokusai.storehouse.layout import MAX_PARTS


@pytest.mark.parametrize("size_bytes", [0, 1, 8 * MIB, 6 * 1024 * MIB, MAX_UPLOAD_BYTES])
def test_any_upload_fits_into_few_parts_of_a_permitted_size(size_bytes: int) -> None:
    part = part_size(size_bytes)
    assert MIN_PART_BYTES <= part <= MAX_PART_BYTES
    assert part % MIB == 0
    assert -(-size_bytes // part) <= 1_000 <= MAX_PARTS


@pytest.mark.parametrize("size_bytes", [-1, MAX_UPLOAD_BYTES + 1])
def test_more_than_50_gib_is_refused(size_bytes: int) -> None:
    with pytest.raises(InvalidInput):
        part_size(size_bytes)
