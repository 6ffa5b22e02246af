"""Tables of strangers: numbers come through, everything else is refused by row and column."""

import io
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from hokusai.runner.client import RunnerClient, Table
from hokusai.runner.errors import InvalidInput

TABLE = pa.table(
    {
        "a": [1.5, 2.5, 3.5],
        "n": pa.array([1, 2, 2**53], pa.int64()),
        "small": pa.array([1, 2, 3], pa.uint8()),
        "half": pa.array([0.5, 1.0, 2.0], pa.float16()),
        "truth": [True, False, True],
        "code": pa.array([7, 9, 7]).dictionary_encode(),
    }
)
MIB = 1 << 20


def parquet(table: pa.Table, **options: Any) -> bytes:
    raw = io.BytesIO()
    pq.write_table(table, raw, **options)
    return raw.getvalue()


def arrow(table: pa.Table, *, file: bool = False, compression: str | None = None) -> bytes:
    raw = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    opened = pa.ipc.new_file if file else pa.ipc.new_stream
    with opened(raw, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=2)
    return raw.getvalue()


def read(client: RunnerClient, body: bytes, form: Any = "arrow", **more: Any) -> Table:
    limits = {"max_rows": 1000, "max_cells": 10_000, "memory_bytes": 128 * MIB} | more
    return client.read_table(project="p", form=form, body=body, **limits)


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ("arrow", arrow(TABLE)),
        ("arrow", arrow(TABLE, file=True)),
        ("arrow", arrow(TABLE, compression="zstd")),
        ("parquet", parquet(TABLE)),
        ("parquet", parquet(TABLE, compression="gzip", row_group_size=2)),
    ],
    ids=["stream", "file", "compressed stream", "parquet", "row groups"],
)
def test_numbers_come_through(client: RunnerClient, form: str, body: bytes) -> None:
    table = read(client, body, form)
    assert table.columns == ("a", "n", "small", "half", "truth", "code")
    values = np.asarray(table.block).reshape(table.rows, -1)
    expected = [[1.5, 1, 1, 0.5, 1, 7], [2.5, 2, 2, 1.0, 0, 9], [3.5, 2.0**53, 3, 2.0, 1, 7]]
    np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize(
    ("columns", "row", "column"),
    [
        ({"a": [1.0, 2.0, None]}, 2, "a"),
        ({"a": [1.0, 2.0, 3.0], "b": [1.0, float("nan"), 3.0]}, 1, "b"),
        ({"a": pa.array([1, None, 3]).dictionary_encode()}, 1, "a"),
        ({"a": [0, 0, 2**53 + 1]}, 2, "a"),
        ({"a": pa.array([2**63], pa.uint64())}, 0, "a"),
        ({"a": ["1.0"]}, None, "a"),
        ({"a": [[1.0]]}, None, "a"),
        ({"a": [{"b": 1.0}]}, None, "a"),
        ({"a": pa.array(["x"]).dictionary_encode()}, None, "a"),
        ({"a": pa.array([0], pa.timestamp("s"))}, None, "a"),
        ({"a": pa.nulls(2)}, None, "a"),
    ],
    ids=[
        "null",
        "NaN",
        "null of a dictionary",
        "above 2^53",
        "unsigned above 2^53",
        "text",
        "list",
        "struct",
        "dictionary of texts",
        "time",
        "nothing",
    ],
)
def test_what_is_no_number_is_named(
    client: RunnerClient, columns: dict[str, Any], row: int | None, column: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(client, arrow(pa.table(columns)))
    assert (caught.value.row, caught.value.column) == (row, column)


def test_a_column_that_is_there_twice_is_refused(client: RunnerClient) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"])
    with pytest.raises(InvalidInput, match="twice"):
        read(client, arrow(table))


@pytest.mark.parametrize("table", [pa.table({}), TABLE.slice(0, 0)], ids=["columns", "rows"])
def test_a_table_of_nothing_is_refused(client: RunnerClient, table: pa.Table) -> None:
    with pytest.raises(InvalidInput):
        read(client, parquet(table), "parquet")


@pytest.mark.parametrize("limit", [{"max_rows": 2}, {"max_cells": 17}])
@pytest.mark.parametrize("form", ["arrow", "parquet"])
def test_more_than_allowed_is_refused(
    client: RunnerClient, form: str, limit: dict[str, int]
) -> None:
    body = arrow(TABLE) if form == "arrow" else parquet(TABLE)
    with pytest.raises(InvalidInput, match="too large"):
        read(client, body, form, **limit)


def lying(rows: int, claimed: int) -> bytes:
    """A parquet file of `rows` rows whose footer says `claimed` wherever it says how many."""
    raw = parquet(pa.table({"a": np.arange(rows) % 7}), write_statistics=False)
    size = int.from_bytes(raw[-8:-4], "little")
    footer = raw[-8 - size : -8]
    assert varint(2 * rows) in footer
    footer = footer.replace(varint(2 * rows), varint(2 * claimed))
    return raw[: -8 - size] + footer + len(footer).to_bytes(4, "little") + raw[-4:]


def varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


@pytest.mark.parametrize("claimed", [2**20, 2**40, 2**62])
def test_a_parquet_file_that_claims_too_many_rows_is_refused(
    client: RunnerClient, claimed: int
) -> None:
    with pytest.raises(InvalidInput):
        read(client, lying(700, claimed), "parquet", max_rows=1 << 62, max_cells=1 << 62)


def test_a_parquet_file_that_claims_too_few_rows_gives_no_more(client: RunnerClient) -> None:
    assert read(client, lying(70_000, 800), "parquet").rows == 800


ZEROS = pa.table({"a": np.zeros(24 * MIB)})


def test_a_bomb_of_many_rows_is_refused_before_it_is_read(client: RunnerClient) -> None:
    body = parquet(ZEROS, compression="zstd")
    assert len(body) < MIB
    with pytest.raises(InvalidInput, match="too large"):
        read(client, body, "parquet")


def test_a_bomb_that_takes_the_memory_harms_only_its_reader(client: RunnerClient) -> None:
    raw = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(raw, ZEROS.schema, options=options) as writer:
        writer.write_table(ZEROS)
    with pytest.raises(InvalidInput, match="too much memory"):
        read(client, raw.getvalue(), memory_bytes=64 * MIB, max_rows=1 << 40, max_cells=1 << 40)
    assert read(client, arrow(TABLE)).rows == 3


def broken(raw: bytes) -> list[bytes]:
    """Cut off, and overwritten."""
    return [b"", raw[:50], raw[: len(raw) // 2], raw[:-9], b"\x7f" * 400]


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("form", ["arrow", "parquet"])
def test_a_broken_body_is_refused(client: RunnerClient, form: str, place: int) -> None:
    whole = arrow(TABLE, file=True) if form == "arrow" else parquet(TABLE)
    with pytest.raises(InvalidInput):
        read(client, broken(whole)[place], form)


def test_an_arrow_stream_with_impossible_lengths_is_refused(client: RunnerClient) -> None:
    whole = arrow(pa.table({"a": np.arange(5.0)}))
    body = whole.replace((16).to_bytes(8, "little"), (1 << 50).to_bytes(8, "little"))
    assert body != whole
    with pytest.raises(InvalidInput):
        read(client, body)


def test_positions_outside_a_dictionary_are_refused(client: RunnerClient) -> None:
    bad = pa.DictionaryArray.from_arrays(pa.array([0, 90, 1], pa.int32()), [1.0, 2.0], safe=False)
    with pytest.raises(InvalidInput):
        read(client, arrow(pa.table({"a": bad})))


def test_another_form_is_refused(client: RunnerClient) -> None:
    with pytest.raises(InvalidInput, match="arrow or as parquet"):
        read(client, b"a,b\n1,2\n", "csv")
