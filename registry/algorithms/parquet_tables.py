"""Parquet into typed columns, read in batches.

The footer is the sender's claim. A small file can stand for gigabytes: a dictionary holds one long
text and a million references to it. So text is read as dictionaries, and its size is computed from
lengths and references before a single cell is built.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

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

BATCH_ROWS = 4096


def read_parquet(source: Source, limits: Limits) -> Table:
    """Read flat columns of text, integers, numbers and booleans. Raises TableError."""
    budget = Budget(limits)
    stream = pa.BufferReader(source) if isinstance(source, bytes) else pa.OSFile(str(source))
    try:
        dtypes = _inspect(stream, limits)
        texts = [name for name, dtype in dtypes.items() if dtype == "text"]
        file = pq.ParquetFile(stream, read_dictionary=texts, pre_buffer=False)
        columns: dict[str, list[Any]] = {name: [] for name in dtypes}
        for batch in file.iter_batches(batch_size=BATCH_ROWS, use_threads=False):
            _append(columns, batch, budget)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        reason = (str(error).splitlines() or ["unreadable"])[0][:200]
        raise TableError(f"The file is not a readable Parquet table: {reason}") from error
    return build_table(columns, dtypes)


def _inspect(stream: pa.NativeFile, limits: Limits) -> dict[str, Dtype]:
    file = pq.ParquetFile(stream)
    footer = file.metadata
    check_names(file.schema_arrow.names, limits)
    if footer.num_rows > limits.max_rows:
        raise TableError(f"The table has more than {limits.max_rows} rows.")
    if footer.num_rows == 0:
        raise TableError("The table has no rows.")
    claimed = sum(footer.row_group(group).total_byte_size for group in range(footer.num_row_groups))
    if claimed > limits.max_decoded_bytes:
        raise TableError("The table is too large once decoded.")
    return {item.name: _dtype(item.type, item.name) for item in file.schema_arrow}


def _dtype(kind: pa.DataType, name: str) -> Dtype:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind):
        return "number"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind):
        return "text"
    raise TableError(f"Columns of type {kind} are not supported.", column=name)


def _append(columns: dict[str, list[Any]], batch: pa.RecordBatch, budget: Budget) -> None:
    first_row = budget.rows + 1
    text_bytes = sum(
        _text_bytes(array, name, first_row, budget.limits)
        for name, array in zip(columns, batch.columns, strict=True)
    )
    budget.spend(batch.num_rows, batch.num_rows * batch.num_columns, text_bytes)
    for name, array in zip(columns, batch.columns, strict=True):
        columns[name].extend(_values(array))


def _text_bytes(array: pa.Array, name: str, first_row: int, limits: Limits) -> int:
    """Return the bytes that the text of `array` takes once built, refusing long cells."""
    if not pa.types.is_dictionary(array.type):
        return 0
    lengths = pc.binary_length(array.dictionary).to_numpy(zero_copy_only=False)
    if not len(lengths):
        return 0
    present = array.indices.drop_null().to_numpy(zero_copy_only=False)
    cells = lengths[present]
    if cells.size and int(cells.max()) > limits.max_cell:
        raise TableError("A cell is too long.", row=first_row, column=name)
    return int(cells.sum(dtype=np.int64))


def _values(array: pa.Array) -> list[Any]:
    if pa.types.is_dictionary(array.type):
        texts = array.dictionary.to_pylist()
        return [None if place is None else texts[place] for place in array.indices.to_pylist()]
    values: list[Any] = array.to_pylist()
    if pa.types.is_floating(array.type):
        return [None if value is None or value != value else value for value in values]  # noqa: PLR0124
    return values
