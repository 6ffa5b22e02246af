import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from registry.algorithms.rows import Column, Schema, digest_rows
from registry.algorithms.tables import Limits, Table, TableError, conform, read_table, to_matrix

CSV = b"name,count,score,flag\na,1,0.5,true\n,2,nan,FALSE\nb,,3,\n"
COLUMNS = {
    "name": ["a", None, "b"],
    "count": [1, 2, None],
    "score": [0.5, None, 3.0],
    "flag": [True, False, None],
}
TYPES = {"name": "text", "count": "integer", "score": "number", "flag": "boolean"}


def parquet(columns: dict[str, Any], **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, **options)
    return sink.getvalue()


def jsonl(columns: dict[str, list[Any]]) -> bytes:
    rows = zip(*columns.values(), strict=True)
    return b"\n".join(json.dumps(dict(zip(columns, row, strict=True))).encode() for row in rows)


def types(table: Table) -> dict[str, str]:
    return {column.name: column.dtype for column in table.schema.columns}


@pytest.mark.parametrize(
    ("data", "form"), [(CSV, "csv"), (parquet(COLUMNS), "parquet"), (jsonl(COLUMNS), "jsonl")]
)
def test_every_format_gives_the_same_table(data: bytes, form: Any) -> None:
    table = read_table(data, form)

    assert table.columns == COLUMNS
    assert types(table) == TYPES
    assert table.row_count == 3


def test_every_format_gives_the_same_digest() -> None:
    tables = [
        read_table(data, form)
        for data, form in [
            (CSV, "csv"),
            (parquet(COLUMNS), "parquet"),
            (jsonl(COLUMNS), "jsonl"),
        ]
    ]

    assert len({digest_rows(table.columns, table.schema).root for table in tables}) == 1


def test_a_file_is_read_like_its_bytes_whatever_its_suffix(tmp_path: Path) -> None:
    path = tmp_path / "table.csv.gz"
    path.write_bytes(CSV)

    assert read_table(path, "csv") == read_table(CSV, "csv")


@pytest.mark.parametrize(
    ("field", "dtype", "value"),
    [
        ("7", "integer", 7),
        ("-7", "integer", -7),
        ("007", "text", "007"),
        ("1.", "number", 1.0),
        ("1e3", "number", 1000.0),
        ("inf", "number", float("inf")),
        ("1_0", "text", "1_0"),
        (" 1", "text", " 1"),
        ("+1", "text", "+1"),
        ("True", "boolean", True),
        ('"a,\nb"', "text", "a,\nb"),
    ],
)
def test_a_csv_column_gets_its_narrowest_lossless_type(field: str, dtype: str, value: Any) -> None:
    table = read_table(f"x,y\n{field},z\n".encode(), "csv")

    assert (types(table)["x"], table.columns["x"]) == (dtype, [value])


def test_a_csv_column_without_values_is_text() -> None:
    assert types(read_table(b"a,b\n,1\n", "csv")) == {"a": "text", "b": "integer"}


def test_a_byte_order_mark_is_not_part_of_the_first_name() -> None:
    assert list(read_table(b"\xef\xbb\xbfa,b\r\n1,2\r\n", "csv").columns) == ["a", "b"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"a,b\n",
        b"a,b",
        b"a,b\n1\n",
        b"a,b\n1,2,3\n",
        b"a,a\n1,2\n",
        b"a,\n1,2\n",
        b"a,NaN\n1,2\n",
        b"a, b\n1,2\n",
        b"\xff,b\n1,2\n",
        b"a,b\n\xff,2\n",
        b"e\xcc\x81,\xc3\xa9\n1,2\n",
        b"a\n9223372036854775808\n",
    ],
)
def test_a_broken_csv_is_refused(data: bytes) -> None:
    with pytest.raises(TableError):
        read_table(data, "csv")


def test_a_ragged_row_is_named() -> None:
    with pytest.raises(TableError) as caught:
        read_table(b"a,b\n1,2\n3,4\n5\n", "csv")

    assert caught.value.row == 3


@pytest.mark.parametrize(
    "data",
    [
        b"1\n",
        b'{"a":1}\n{"b":1}\n',
        b'{"a":1}\n{"a":1,"b":2}\n',
        b'{"a":1,"a":2}\n',
        b'{"a":[1]}\n',
        b'{"a":NaN}\n',
        b'{"a":1}\n{"a":"x"}\n',
        b'{"a":true}\n{"a":1}\n',
        b'{"a":99999999999999999999}\n',
        b'{"a":"\\ud800"}\n',
        b"{}\n",
        b"\n\n",
        b'{"a":1\n',
        b'{"a":' + b"[" * 50_000 + b"\n",
    ],
)
def test_broken_json_lines_are_refused(data: bytes) -> None:
    with pytest.raises(TableError):
        read_table(data, "jsonl")


def test_integers_and_floats_in_one_json_column_are_numbers() -> None:
    table = read_table(b'{"a":1}\n{"a":0.5}\n{"a":null}\n', "jsonl")

    assert table.columns["a"] == [1.0, 0.5, None]
    assert types(table) == {"a": "number"}


def test_a_text_repeated_by_a_dictionary_is_refused_before_it_is_built() -> None:
    bomb = parquet({"a": pa.array(["x" * 10_000] * 20_000)}, compression="zstd")
    limits = Limits(max_bytes=1_000_000, max_cell=20_000)

    assert len(bomb) < 100_000
    with pytest.raises(TableError, match="too large"):
        read_table(bomb, "parquet", limits)


@pytest.mark.parametrize(
    "columns",
    [
        {"a": pa.array([[1]])},
        {"a": pa.array([{"x": 1}])},
        {"a": pa.array([b"x"])},
        {"a": pa.array([], pa.int64())},
        {"a": pa.array([0], pa.timestamp("s"))},
        {"nan": pa.array([1])},
    ],
)
def test_an_unsupported_parquet_file_is_refused(columns: dict[str, Any]) -> None:
    with pytest.raises(TableError):
        read_table(parquet(columns), "parquet")


def test_repeated_parquet_names_are_refused() -> None:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"]), sink)

    with pytest.raises(TableError, match="same name"):
        read_table(sink.getvalue(), "parquet")


def test_a_damaged_parquet_file_is_refused() -> None:
    data = parquet(COLUMNS)

    for damaged in (data[:-20], b"PAR1" + b"\0" * 50 + b"PAR1", b"x" * 100):
        with pytest.raises(TableError):
            read_table(damaged, "parquet")


@pytest.mark.parametrize("kind", [pa.float32(), pa.int8(), pa.large_string(), pa.null()])
def test_plain_parquet_types_are_read(kind: pa.DataType) -> None:
    table = read_table(parquet({"a": pa.array([None, None], kind), "b": [1, 2]}), "parquet")

    assert table.columns["a"] == [None, None]


@pytest.mark.parametrize(
    ("limits", "match"),
    [
        (Limits(max_rows=2), "rows"),
        (Limits(max_columns=3), "columns"),
        (Limits(max_bytes=10), "bytes"),
        (Limits(max_cell=3), "too long"),
    ],
)
@pytest.mark.parametrize("form", ["csv", "parquet", "jsonl"])
def test_every_limit_holds_in_every_format(limits: Limits, match: str, form: Any) -> None:
    columns = COLUMNS | {"name": ["a", None, "four"]}
    lines = "name,count,score,flag\na,1,0.5,true\n,2,,\nfour,,,\n"
    data = {"csv": lines.encode(), "parquet": parquet(columns), "jsonl": jsonl(columns)}[form]

    with pytest.raises(TableError, match=match):
        read_table(data, form, limits)


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(TableError, match="Unknown format"):
        read_table(b"x", "xlsx")  # type: ignore[arg-type]


def test_a_matrix_follows_the_features_in_order() -> None:
    matrix = to_matrix(read_table(CSV, "csv"), ["score", "count", "flag"])

    expected = [[0.5, 1, 1], [np.nan, 2, 0], [3, np.nan, np.nan]]

    assert matrix.dtype == np.float64
    np.testing.assert_array_equal(matrix, expected)


@pytest.mark.parametrize("feature", ["name", "absent"])
def test_a_matrix_needs_numeric_columns_that_exist(feature: str) -> None:
    with pytest.raises(TableError):
        to_matrix(read_table(CSV, "csv"), [feature])


def test_conforming_widens_integers_and_orders_columns() -> None:
    schema = Schema((Column("b", "number"), Column("a", "text")), label="b")

    table = conform(read_table(b"a,b\nx,1\ny,2\n", "csv"), schema)

    assert table.schema == schema
    assert list(table.columns) == ["b", "a"]
    assert table.columns["b"] == [1.0, 2.0]
    assert isinstance(table.columns["b"][0], float)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"a\nx\n", "missing"),
        (b"a,b,c\nx,1,1\n", "not expected"),
        (b"a,b\nx,y\n", "not number"),
        (b"a,b\nx,9007199254740993\n", "too large"),
    ],
)
def test_a_table_that_does_not_fit_the_schema_is_refused(data: bytes, match: str) -> None:
    schema = Schema((Column("a", "text"), Column("b", "number")))

    with pytest.raises(TableError, match=match):
        conform(read_table(data, "csv"), schema)
