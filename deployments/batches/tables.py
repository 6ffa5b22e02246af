"""Tables of batches as workers read them: Parquet on this machine's disk, by ranges of rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from deployments.batches.exceptions import BatchFailed

Floats = npt.NDArray[np.float64]
# Rows that are asked for together: few enough to stay in a processor's cache on their way.
BLOCK_CELLS = 1 << 19
GROUP_ROWS = 1 << 16
# What one part may hold, of inputs or outputs: 128 MB.
PART_CELLS = 1 << 24
COMPRESSION = "snappy"


@dataclass(frozen=True, slots=True)
class Block:
    """Rows on their way to the model: (n, d) float64, and their ids where there are any.

    `first_row` is counted in the table, from 0.
    """

    first_row: int
    matrix: Floats
    ids: pa.Array | None


class Reader:
    """Ranges of rows of a Parquet file that was checked before."""

    def __init__(self, path: Path) -> None:
        self._file = pq.ParquetFile(path, memory_map=True, pre_buffer=False)
        footer = self._file.metadata
        sizes = [footer.row_group(group).num_rows for group in range(footer.num_row_groups)]
        self.starts: list[int] = np.cumsum([0, *sizes]).tolist()

    @property
    def rows(self) -> int:
        """Of the whole file."""
        return self.starts[-1]

    def largest_group(self) -> int:
        """Rows of the largest row group: what has to be read to reach one row."""
        return max((end - start for start, end in pairwise(self.starts)), default=0)

    def types(self) -> dict[str, pa.DataType]:
        """Of each column."""
        return {field.name: field.type for field in self._file.schema_arrow}

    def blocks(
        self, first_row: int, rows: int, columns: Sequence[str], id_column: str
    ) -> Iterator[Block]:
        """The rows [first_row, first_row + rows), in order. Raises BatchFailed."""
        wanted = list(dict.fromkeys([*columns, *([id_column] if id_column else [])]))
        end = first_row + rows
        size = max(1, BLOCK_CELLS // len(columns))
        for group, (start, stop) in enumerate(pairwise(self.starts)):
            if stop <= first_row or start >= end:
                continue
            table = self._group(group, wanted)
            low, high = max(first_row, start), min(end, stop)
            for row in range(low, high, size):
                part = table.slice(row - start, min(size, high - row))
                ids = part.column(id_column).combine_chunks() if id_column else None
                yield Block(row, _matrix(part, columns), ids)

    def _group(self, group: int, wanted: list[str]) -> pa.Table:
        try:
            table = self._file.read_row_group(group, columns=wanted, use_threads=False)
            return pa.table({name: _plain(table.column(name)) for name in wanted})
        except pa.ArrowException as error:
            raise BatchFailed(f"The table cannot be read: {_first_line(error)}") from error


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Without the dictionary that a column may be stored with."""
    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    return column


def _matrix(table: pa.Table, columns: Sequence[str]) -> Floats:
    """(n, d) float64, missing values as NaN. Raises BatchFailed for a number that is too exact."""
    matrix = np.empty((table.num_rows, len(columns)), dtype=np.float64)
    for place, name in enumerate(columns):
        column = table.column(name)
        try:
            numbers = column if column.type == pa.float64() else column.cast(pa.float64())
        except pa.ArrowException as error:
            raise BatchFailed(f"Column {name!r}: {_first_line(error)}", column=name) from error
        matrix[:, place] = numbers.to_numpy()
    return matrix


def rows_of_part(wanted: int, cells_of_row: int) -> int:
    """Rows of a part: as wanted, unless a worker could not hold so many."""
    return min(wanted, max(1, PART_CELLS // cells_of_row))


def writing(schema: pa.Schema) -> dict[str, Any]:
    """How outputs are written: numbers mostly differ, and a dictionary of them only costs."""
    few = [field.name for field in schema if not pa.types.is_floating(field.type)]
    return {"compression": COMPRESSION, "use_dictionary": few or False}


def write_groups(path: Path, table: pa.Table, rows: int) -> None:
    """Write a table in row groups of so many rows."""
    pq.write_table(table, path, row_group_size=rows, compression=COMPRESSION)


def regroup(source: Path, target: Path, columns: Sequence[str], rows: int) -> None:
    """Write columns of a checked file anew in row groups of so many rows."""
    file = pq.ParquetFile(source, memory_map=True, pre_buffer=False)
    schema = pa.schema([file.schema_arrow.field(name) for name in columns])
    with pq.ParquetWriter(target, schema, compression=COMPRESSION) as writer:
        batches = file.iter_batches(rows, columns=list(columns), use_threads=False)
        for batch in batches:
            writer.write_table(pa.table([batch.column(n) for n in schema.names], schema=schema))


def _first_line(error: pa.ArrowException) -> str:
    return (str(error).splitlines() or ["unreadable"])[0][:200]
