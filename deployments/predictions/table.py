"""Rows on their way to a model: one block of numbers where that is possible."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any, Final

import orjson

from hokusai.core.errors import InvalidInput

NUMBERS: Final = frozenset({int, float})
# What a row's value may be at all; which of them a column takes is the model's to judge.
SCALARS: Final = frozenset({int, float, str, bool, type(None)})


@dataclass(slots=True)
class Table:
    """At least one row.

    `block`: (count, len(columns)) float64, row-major; None where a value is no number or rows
    differ in their columns: then `rows` are as they came, and the model says what is wrong.
    """

    count: int
    columns: Sequence[str] = ()
    block: "memoryview[Any] | None" = None
    rows: Sequence[dict[str, Any]] = ()

    def as_rows(self) -> Sequence[dict[str, Any]]:
        """One dict by column for each row, for a provider that takes no blocks."""
        if self.block is None:
            return self.rows
        values, width = self.block.cast("B").cast("d").tolist(), len(self.columns)
        return [
            dict(zip(self.columns, values[start : start + width], strict=True))
            for start in range(0, len(values), width)
        ]

    def canonical(self) -> tuple[bytes, "bytes | memoryview[Any]"]:
        """What tells this table from every other, in two parts."""
        if self.block is None:
            return b"", orjson.dumps(list(self.rows), option=orjson.OPT_SORT_KEYS)
        return orjson.dumps(list(self.columns)), self.block


def of_rows(rows: Sequence[dict[str, Any]]) -> Table:
    """A table of dicts by column. Raises InvalidInput for a value that is no scalar."""
    columns = list(rows[0])
    block = _numbers(_values(rows, columns))
    if block is not None:
        return Table(len(rows), columns, block)
    for number, row in enumerate(rows):
        _require_scalars(number, row)
    return Table(len(rows), rows=rows)


def of_columns(columns: list[str], data: Sequence[list[Any]]) -> Table:
    """A table of rows as lists in the order of `columns`. Raises InvalidInput as `of_rows`."""
    block = _numbers(list(chain.from_iterable(data))) if columns else None
    if block is not None:
        return Table(len(data), columns, block)
    rows = [dict(zip(columns, row, strict=True)) for row in data]
    for number, row in enumerate(rows):
        _require_scalars(number, row)
    return Table(len(rows), rows=rows)


def _values(rows: Sequence[dict[str, Any]], columns: list[str]) -> list[Any]:
    """All values row by row in the order of `columns`; none where a row has other columns."""
    if len(rows) == 1:
        return list(rows[0].values())
    if set(map(len, rows)) != {len(columns)} or not columns:
        return []
    try:
        if len(columns) == 1:
            only = columns[0]
            return [row[only] for row in rows]
        return list(chain.from_iterable(map(itemgetter(*columns), rows)))
    except KeyError:
        return []


def _numbers(values: Sequence[Any]) -> "memoryview[Any] | None":
    # bool is excluded: whether a column takes it is for the model to judge.
    if not values or not NUMBERS.issuperset(map(type, values)):
        return None
    try:
        return memoryview(array("d", values))
    except OverflowError:
        return None


def _require_scalars(number: int, row: dict[str, Any]) -> None:
    if SCALARS.issuperset(map(type, row.values())):
        return
    for column, value in row.items():
        if type(value) not in SCALARS:
            raise InvalidInput(
                f"Row {number}, column {column[:80]!r}: a single value is needed.",
                row=number,
                column=column[:80],
            )
