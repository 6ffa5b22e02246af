import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.batches.footers import Joined


def written(table: pa.Table, group_rows: int) -> bytes:
    """A table as Parquet, with a dictionary for text."""
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=group_rows, use_dictionary=["label"])
    return sink.getvalue()


def joined(parts: list[bytes]) -> bytes:
    target = io.BytesIO()
    whole = Joined(target)
    for part in parts:
        whole.add(part)
    whole.close()
    return target.getvalue()


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=20),
    st.integers(1, 20),
)
def test_files_put_together_hold_all_rows_in_order(sizes: list[int], group_rows: int) -> None:
    tables, first = [], 0
    for size in sizes:
        rows = range(first, first + size)
        labels = [None if row % 7 == 0 else f"label {row % 3}" for row in rows]
        tables.append(pa.table({"label": labels, "value": [row / 3 for row in rows]}))
        first += size
    schema = pa.schema([("label", pa.string()), ("value", pa.float64())])
    parts = [written(table.cast(schema), group_rows) for table in tables]
    content = joined(parts)
    found = pq.read_table(pa.BufferReader(content))
    assert found.equals(pa.concat_tables(table.cast(schema) for table in tables))
    file = pq.ParquetFile(pa.BufferReader(content))
    groups = file.metadata.num_row_groups
    assert file.metadata.num_rows == sum(sizes)
    # Each row group is found by itself, and what is known of its values is still known.
    last = file.read_row_group(groups - 1)["value"].to_pylist()
    assert file.metadata.row_group(groups - 1).column(1).statistics.max == max(last)


def test_what_is_no_parquet_file_is_refused() -> None:
    with pytest.raises(ValueError, match="no Parquet"):
        joined([b"PAR1 and so on"])


def test_nothing_is_no_file() -> None:
    with pytest.raises(ValueError, match="no file"):
        joined([])
