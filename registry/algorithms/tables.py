"""Reading an uploaded table of unknown origin: CSV, Parquet or JSON lines.

Nothing is trusted: the file's own claims about its size are checked against what is read, text
stays dictionary-encoded until its length is known, and every refusal names the place.
Missing values are None: an empty CSV field, a null, and every NaN.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from registry.algorithms.csv_tables import read_csv
from registry.algorithms.jsonl_tables import read_jsonl
from registry.algorithms.parquet_tables import read_parquet
from registry.algorithms.rows import Column, Dtype, Schema
from registry.algorithms.tabular import Limits, Source, Table, TableError, TableFormat

__all__ = [
    "Limits",
    "Source",
    "Table",
    "TableError",
    "TableFormat",
    "conform",
    "read_table",
    "to_matrix",
]

_READERS: dict[str, Callable[[Source, Limits], Table]] = {
    "csv": read_csv,
    "jsonl": read_jsonl,
    "parquet": read_parquet,
}


def read_table(source: Source, format: TableFormat, limits: Limits | None = None) -> Table:  # noqa: A002
    """Read a whole table within `limits`.

    Raises:
        TableError: too large, ragged, empty, names that repeat or are missing, or a cell that
            cannot be read.
        OSError: the file cannot be opened.
    """
    limits = limits or Limits()
    size = len(source) if isinstance(source, bytes) else Path(source).stat().st_size
    if size > limits.max_bytes:
        raise TableError(f"The file has more than {limits.max_bytes} bytes.")
    if size == 0:
        raise TableError("The file is empty.")
    if format not in _READERS:
        raise TableError(f"Unknown format {format!r}; use csv, parquet or jsonl.")
    return _READERS[format](source, limits)


def conform(table: Table, schema: Schema) -> Table:
    """Give a table the types of `schema` where that loses nothing: integer to number, all missing.

    The columns come out in the schema's order, so that equal rows have equal digests.

    Raises:
        TableError: a column is missing, unexpected or of a type that does not fit.
    """
    found = {column.name: column.dtype for column in table.schema.columns}
    for name in sorted(set(found) ^ {column.name for column in schema.columns}):
        verb = "is not expected" if name in found else "is missing"
        raise TableError(f"A column {verb}.", column=name)
    columns = {}
    for column in schema.columns:
        values = table.columns[column.name]
        columns[column.name] = _conform_values(values, found[column.name], column)
    return Table(columns, schema)


def to_matrix(table: Table, features: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return the features as an (n, d) float64 array, in their order; missing values are NaN.

    Raises:
        TableError: a feature is missing from the table or is text.
    """
    dtypes = {column.name: column.dtype for column in table.schema.columns}
    matrix = np.empty((table.row_count, len(features)), dtype=np.float64)
    for place, name in enumerate(features):
        if name not in dtypes:
            raise TableError("The table has no such column.", column=name)
        if dtypes[name] == "text":
            raise TableError("A text column is not a numeric feature.", column=name)
        matrix[:, place] = [math.nan if item is None else item for item in table.columns[name]]
    return matrix


def _conform_values(values: list[Any], found: Dtype, column: Column) -> list[Any]:
    if found == column.dtype or all(value is None for value in values):
        return values
    if found == "integer" and column.dtype == "number":
        floats = [None if value is None else float(value) for value in values]
        if floats != values:
            raise TableError("An integer is too large to be a number.", column=column.name)
        return floats
    raise TableError(f"The column is {found}, not {column.dtype}.", column=column.name)
