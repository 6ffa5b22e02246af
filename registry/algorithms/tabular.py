"""The parts of reading an untrusted table: its limits, its errors and its result."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from registry.algorithms.rows import Column, Dtype, Schema

TableFormat: TypeAlias = Literal["csv", "parquet", "jsonl"]
Source: TypeAlias = Path | str | bytes

# An honest CSV cell takes two bytes in the file and eight in memory; four times more is slack.
DECODED_PER_FILE_BYTE = 16
CELL_BYTES = 8
MAX_NAME_LENGTH = 200
NO_NAMES = {"", "nan", "null", "none"}


class TableError(ValueError):
    """The table is refused. `row` counts data rows from 1; both places may be unknown."""

    def __init__(self, message: str, row: int | None = None, column: str | None = None) -> None:
        place = [f"row {row}"] if row is not None else []
        place += [f"column {column!r}"] if column is not None else []
        super().__init__(f"{message} ({', '.join(place)})" if place else message)
        self.message, self.row, self.column = message, row, column


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a table: of the file in bytes, of one text cell in bytes of UTF-8."""

    max_rows: int = 1_000_000
    max_columns: int = 1_000
    max_bytes: int = 256 * 1024 * 1024
    max_cell: int = 64 * 1024

    @property
    def max_decoded_bytes(self) -> int:
        """Text bytes plus eight bytes per cell that a table may hold once read."""
        return self.max_bytes * DECODED_PER_FILE_BYTE


@dataclass(frozen=True, slots=True)
class Table:
    """A table by columns of Python values, with the types that were found."""

    columns: dict[str, list[Any]]
    schema: Schema

    @property
    def row_count(self) -> int:
        """The number of rows, at least one."""
        return len(next(iter(self.columns.values())))


@dataclass(slots=True)
class Budget:
    """Counts rows and decoded bytes while a table is read, and stops at the limits."""

    limits: Limits
    rows: int = 0
    decoded_bytes: int = 0

    def spend(self, rows: int, cells: int, text_bytes: int) -> None:
        """Add one batch. Raises TableError beyond a limit."""
        self.rows += rows
        self.decoded_bytes += cells * CELL_BYTES + text_bytes
        if self.rows > self.limits.max_rows:
            raise TableError(f"The table has more than {self.limits.max_rows} rows.")
        if self.decoded_bytes > self.limits.max_decoded_bytes:
            raise TableError("The table is too large once decoded.", row=self.rows)


def check_names(names: Sequence[str], limits: Limits) -> None:
    """Refuse names that are missing, repeated or unprintable. Raises TableError."""
    if not names:
        raise TableError("The table has no columns.")
    if len(names) > limits.max_columns:
        raise TableError(f"The table has more than {limits.max_columns} columns.")
    seen: set[str] = set()
    for place, name in enumerate(names, start=1):
        if name.strip().lower() in NO_NAMES:
            raise TableError(f"Column {place} has no name.")
        if name != name.strip() or not name.isprintable() or len(name) > MAX_NAME_LENGTH:
            raise TableError(f"Column {place} has an unusable name.", column=name[:MAX_NAME_LENGTH])
        folded = unicodedata.normalize("NFC", name)
        if folded in seen:
            raise TableError("Two columns have the same name.", column=name)
        seen.add(folded)


def build_table(columns: Mapping[str, list[Any]], dtypes: Mapping[str, Dtype]) -> Table:
    """Put columns and their types together. Raises TableError for a table without rows."""
    if not next(iter(columns.values())):
        raise TableError("The table has no rows.")
    schema = Schema(tuple(Column(name, dtypes[name]) for name in columns))
    return Table(dict(columns), schema)
