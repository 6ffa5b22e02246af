from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deployments.batches import tables
from deployments.batches.exceptions import BatchFailed
from deployments.batches.tables import Reader, rows_of_part


@pytest.fixture
def path(tmp_path: Path) -> Path:
    table = pa.table({"a": np.arange(10), "b": np.arange(10) / 2, "id": list("abcdefghij")})
    pq.write_table(table, tmp_path / "t", row_group_size=4)
    return tmp_path / "t"


def test_a_range_of_rows_is_read_across_row_groups(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "BLOCK_CELLS", 6)
    blocks = list(Reader(path).blocks(3, 6, ["b", "a"], "id"))
    assert [(block.first_row, len(block.matrix)) for block in blocks] == [
        (3, 1),
        (4, 3),
        (7, 1),
        (8, 1),
    ]
    whole = np.concatenate([block.matrix for block in blocks])
    np.testing.assert_array_equal(whole, np.column_stack([np.arange(3, 9) / 2, np.arange(3, 9)]))
    ids = [one for block in blocks for one in (block.ids or pa.array([])).to_pylist()]
    assert ids == list("defghi")


def test_missing_values_are_not_numbers(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": pa.array([1, None], pa.int64())}), tmp_path / "t")
    (block,) = Reader(tmp_path / "t").blocks(0, 2, ["a"], "")
    assert block.matrix[0, 0] == 1
    assert np.isnan(block.matrix[1, 0])


def test_a_number_that_a_float_cannot_hold_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [2**53 + 1]}), tmp_path / "t")
    with pytest.raises(BatchFailed, match="Column 'a'"):
        list(Reader(tmp_path / "t").blocks(0, 1, ["a"], ""))


def test_a_part_holds_no_more_than_a_worker_can() -> None:
    assert rows_of_part(1000, 30) == 1000
    assert rows_of_part(262_144, 1000) == 16_777
    assert rows_of_part(262_144, 10**9) == 1
