"""CSV into typed columns: fields are read as text, then every column gets its narrowest type.

A column is integer if every field is a plain decimal within 64 bits, number if every field is a
plain decimal or exponent form, boolean if every field is true or false, else text: leading zeros
and spaces keep a field text, so that nothing is lost.
"""

import csv
import io
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv as arrow_csv

from registry.algorithms.rows import Dtype
from registry.algorithms.tabular import (
    Budget,
    Limits,
    Source,
    Table,
    TableError,
    build_table,
    check_names,
)

INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})")
NUMBER = re.compile(r"-?((0|[1-9][0-9]*)(\.[0-9]*)?([eE][+-]?[0-9]+)?|\.[0-9]+|inf)|nan", re.I)
ROW = re.compile(r"Row #(\d+)")
BOOLEANS = {"true": True, "false": False}
INT64 = range(-(2**63), 2**63)
HEADER_BYTES = 1024 * 1024
BLOCK_BYTES = 1024 * 1024


def read_csv(source: Source, limits: Limits) -> Table:
    """Read a UTF-8 CSV file with a header line and comma-separated fields. Raises TableError."""
    names, header_bytes = _read_header(source)
    check_names(names, limits)
    budget = Budget(limits)
    columns: dict[str, list[str | None]] = {name: [] for name in names}
    try:
        for batch in _open(source, names, header_bytes):
            _append(columns, batch, budget)
    except pa.ArrowInvalid as error:
        raise TableError(_reason(error), row=_failed_row(error)) from error
    typed = {name: _narrow(values, name) for name, values in columns.items()}
    return build_table(
        {name: values for name, (values, _) in typed.items()},
        {name: dtype for name, (_, dtype) in typed.items()},
    )


def _read_header(source: Source) -> tuple[list[str], int]:
    if isinstance(source, bytes):
        line = source[:HEADER_BYTES].split(b"\n", 1)[0]
    else:
        with Path(source).open("rb") as file:
            line = file.readline(HEADER_BYTES)
    if len(line) >= HEADER_BYTES:
        raise TableError("The header line is too long.")
    try:
        text = line.decode("utf-8-sig")
        names = next(csv.reader(io.StringIO(text.rstrip("\r\n")), strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise TableError("The header line is not CSV in UTF-8.") from error
    return names, len(line.rstrip(b"\n")) + 1


def _open(source: Source, names: list[str], header_bytes: int) -> arrow_csv.CSVStreamingReader:
    # A path given to Arrow by name would be decompressed by its suffix; a handle is not.
    stream = pa.BufferReader(source) if isinstance(source, bytes) else pa.OSFile(str(source))
    if header_bytes >= stream.size():
        raise TableError("The table has no rows.")
    stream.seek(header_bytes)
    return arrow_csv.open_csv(
        stream,
        read_options=arrow_csv.ReadOptions(
            column_names=names, use_threads=False, block_size=BLOCK_BYTES
        ),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=True,
            null_values=[""],
        ),
    )


def _append(columns: dict[str, list[str | None]], batch: pa.RecordBatch, budget: Budget) -> None:
    first_row = budget.rows + 1
    budget.spend(batch.num_rows, batch.num_rows * batch.num_columns, batch.nbytes)
    for name, array in zip(columns, batch.columns, strict=True):
        values = array.to_pylist()
        for offset, value in enumerate(values):
            if value is not None and len(value) > budget.limits.max_cell:
                raise TableError("A cell is too long.", row=first_row + offset, column=name)
        columns[name].extend(values)


def _narrow(values: list[str | None], name: str) -> tuple[list[Any], Dtype]:
    present = {value for value in values if value is not None}
    if present and all(INTEGER.fullmatch(value) for value in present):
        integers: dict[str | None, int | None] = {value: int(value) for value in present}
        if all(number in INT64 for number in integers.values()):
            return [integers.get(value) for value in values], "integer"
        raise TableError("An integer does not fit 64 bits; write such ids as text.", column=name)
    if present and all(NUMBER.fullmatch(value) for value in present):
        return [_number(value) for value in values], "number"
    if present and all(value.lower() in BOOLEANS for value in present):
        return [None if value is None else BOOLEANS[value.lower()] for value in values], "boolean"
    return list(values), "text"


def _number(value: str | None) -> float | None:
    number = None if value is None else float(value)
    return None if number is None or number != number else number  # noqa: PLR0124


def _failed_row(error: pa.ArrowInvalid) -> int | None:
    found = ROW.search(str(error))
    return int(found[1]) if found else None


def _reason(error: pa.ArrowInvalid) -> str:
    text = str(error).splitlines()[0]
    if "Expected" in text:
        return f"A row has another number of fields than the header: {text[:200]}"
    return f"The file is not CSV in UTF-8: {text[:200]}"
