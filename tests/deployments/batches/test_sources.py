import io
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.deployments.batches.conftest import Bench

pytestmark = pytest.mark.django_db


def parquet(table: pa.Table) -> bytes:
    """A table as Parquet."""
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def lying_parquet() -> bytes:
    """A file whose footer says that the table is a hundred times longer than it is."""
    content = bytearray(parquet(pa.table({"a": np.zeros(5), "b": np.zeros(5)})))
    middle = len(content) // 2
    content[middle : middle + 40] = b"\xff" * 40
    return bytes(content)


@pytest.mark.parametrize("file_format", ["csv", "jsonl"])
def test_text_tables_are_read(bench: Bench, file_format: str) -> None:
    content = {
        "csv": b"id,a,b\nx,1.5,0\ny,-2,0.25\n",
        "jsonl": b'{"id":"x","a":1.5,"b":0}\n{"id":"y","a":-2,"b":0.25}\n',
    }[file_format]
    batch = bench.done(bench.upload(content, file_format), id_column="id")
    assert (batch.status, batch.error) == ("succeeded", "")
    result = bench.result(batch)
    assert result["id"].to_pylist() == ["x", "y"]
    expected = bench.expected(pa.table({"a": [1.5, -2.0], "b": [0.0, 0.25]}))
    np.testing.assert_allclose(result["probability.yes"].to_numpy(), expected[:, 1], rtol=1e-12)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a,b\n", "The table has no rows."),
        (b"a,b\n1,2\n3\n", "row"),
        (b"a,b\n1,x\n", "Column 'b' holds text; the model needs numbers."),
        (b"a,b\n2,3\n1,\n", "Row 1, column 'b': a finite number is needed."),
        (b"a,a\n1,2\n", "Two columns have the same name."),
    ],
)
def test_what_is_wrong_with_a_csv_is_told(bench: Bench, content: bytes, told: str) -> None:
    batch = bench.done(bench.upload(content))
    assert batch.status == "failed"
    assert told in batch.error


def test_an_uploaded_parquet_is_read_in_isolation(bench: Bench) -> None:
    table = bench.table(25, station=np.arange(25) + 100)
    batch = bench.done(bench.upload(parquet(table), "parquet"), id_column="station")
    assert (batch.status, batch.error) == ("succeeded", "")
    result = bench.result(batch)
    assert result["station"].to_pylist() == list(range(100, 125))
    np.testing.assert_allclose(
        result["probability.yes"].to_numpy(), bench.expected(table)[:, 1], rtol=1e-12
    )


@pytest.mark.parametrize(
    ("content", "file_format"),
    [
        (lying_parquet(), "parquet"),
        (b"PAR1 but nothing else", "parquet"),
        (b"no stream", "arrow"),
        (parquet(pa.table({"a": [[1.0]], "b": [[2.0]]})), "parquet"),
    ],
)
def test_a_file_that_lies_or_is_none_fails_with_a_reason(
    bench: Bench, content: bytes, file_format: str
) -> None:
    batch = bench.done(bench.upload(content, file_format))
    assert batch.status == "failed"
    assert batch.error


def test_a_table_with_too_many_rows_is_refused(bench: Bench, settings: Any) -> None:
    settings.BATCH_MAX_ROWS = 3
    batch = bench.done(bench.upload(b"a,b\n" + b"1,2\n" * 4))
    assert (batch.status, batch.error) == ("failed", "The table has more than 3 rows.")
