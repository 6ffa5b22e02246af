"""JSON lines into typed columns: one flat object per line, with the same keys in every line."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from registry.algorithms.rows import Dtype
from registry.algorithms.tabular import (
    CELL_BYTES,
    Budget,
    Limits,
    Source,
    Table,
    TableError,
    build_table,
    check_names,
)

INT64 = range(-(2**63), 2**63)
MAX_DIGITS = 20


def read_jsonl(source: Source, limits: Limits) -> Table:
    """Read a UTF-8 file with one JSON object of plain values per line. Raises TableError."""
    columns: dict[str, list[Any]] = {}
    budget = Budget(limits)
    for row, line in enumerate(_lines(source, limits), start=1):
        record = _parse(line, row)
        if not columns:
            check_names(list(record), limits)
            columns = {name: [] for name in record}
        if record.keys() != columns.keys():
            wrong = sorted(record.keys() ^ columns.keys())
            raise TableError("The keys differ from those of the first row.", row, wrong[0])
        budget.spend(1, len(record), max(0, len(line) - CELL_BYTES * len(record)))
        for name, value in record.items():
            _check_cell(value, row, name, limits)
            columns[name].append(value)
    if not columns:
        raise TableError("The table has no rows.")
    dtypes = {name: _unify(values, name) for name, values in columns.items()}
    return build_table(columns, dtypes)


def _lines(source: Source, limits: Limits) -> Iterator[bytes]:
    longest = limits.max_columns * (limits.max_cell + 1024)
    with _binary(source) as file:
        while line := file.readline(longest + 1):
            if len(line) > longest:
                raise TableError("A line is too long.")
            if line.strip():
                yield line


def _binary(source: Source) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb")


def _parse(line: bytes, row: int) -> dict[str, Any]:
    try:
        record = json.loads(
            line.decode("utf-8"),
            object_pairs_hook=_unique_keys,
            parse_constant=_refuse_constant,
            parse_int=_parse_integer,
        )
    except TableError as error:
        raise TableError(error.message, row, error.column) from error
    except (ValueError, RecursionError) as error:
        raise TableError(f"The line is not JSON in UTF-8: {str(error)[:200]}", row) from error
    if not isinstance(record, dict):
        raise TableError("The line is not a JSON object.", row)
    return record


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for name, value in pairs:
        if name in record:
            raise TableError("A key is given twice.", column=name)
        record[name] = value
    return record


def _refuse_constant(text: str) -> NoReturn:
    raise TableError(f"{text} is not JSON; use null for a missing value.")


def _parse_integer(text: str) -> int:
    # The length is checked first: converting a million digits is quadratic work.
    if len(text) > MAX_DIGITS or int(text) not in INT64:
        raise TableError("An integer does not fit 64 bits; write such ids as text.")
    return int(text)


def _check_cell(value: Any, row: int, name: str, limits: Limits) -> None:
    if isinstance(value, dict | list):
        raise TableError("A cell holds a list or an object.", row, name)
    if not isinstance(value, str):
        return
    try:
        size = len(value.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise TableError("A cell is not valid Unicode.", row, name) from error
    if size > limits.max_cell:
        raise TableError("A cell is too long.", row, name)


def _unify(values: list[Any], name: str) -> Dtype:
    kinds = {type(value) for value in values} - {type(None)}
    if kinds <= {str}:
        return "text"
    if kinds == {bool}:
        return "boolean"
    if kinds == {int}:
        return "integer"
    if kinds <= {int, float}:
        values[:] = [None if value is None else float(value) for value in values]
        return "number"
    raise TableError("The column mixes types.", column=name)
