"""Brings a request's rows to one matrix in the order of the model's signature."""

from collections.abc import Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hokusai.runner.columns import MAX_SHOWN, same_columns, strings
from hokusai.runner.errors import InvalidInput
from hokusai.runner.mlmodel import NUMERIC_TYPES, InputColumn

Floats = npt.NDArray[np.float64]
NUMBERS: Final = frozenset({int, float})
TRUTHS: Final = frozenset({int, float, bool})
MISSING: Final = float("nan")
# From here on not every whole number is another float64; nobody would notice one that changed.
MAX_WHOLE: Final = float((1 << 53) - 1)
MAX_FLOAT32: Final = float(np.finfo(np.float32).max)
# What a column of a type may hold, and what is said where it holds something else.
RANGES: Final[dict[str, tuple[float, float, str]]] = {
    "boolean": (0.0, 1.0, "true or false is needed"),
    "integer": (-(2.0**31), 2.0**31 - 1, "a whole number of 32 bits is needed"),
    "long": (-MAX_WHOLE, MAX_WHOLE, "whole numbers are exact only below 2^53"),
    "float": (-MAX_FLOAT32, MAX_FLOAT32, "the number is too large for a float of 32 bits"),
}


class InputReader:
    """Reads requests for one model. `columns` None: the model names none, order is the caller's.

    Every value must be a finite number of its column's type; nothing is filled in, dropped or
    converted from text. Only a column that the signature marks as not required may be left out,
    or hold null or NaN: the model then gets NaN, and must know what to make of it.
    """

    def __init__(self, columns: Sequence[InputColumn] | None) -> None:
        self.names = None if columns is None else tuple(column.name for column in columns)
        columns = columns or ()
        for column in columns:
            if column.type not in NUMERIC_TYPES:
                raise InvalidInput(
                    f"The model wants {column.type} in the column {column.name!r}; "
                    "only numbers can be given.",
                    column=column.name,
                )
        self._columns = tuple(columns)
        self._ranged = [i for i, c in enumerate(columns) if c.type in RANGES]
        self._all_ranged = len(self._ranged) == len(columns)
        self._whole = np.array([columns[i].type != "float" for i in self._ranged])
        ranges = [RANGES[columns[i].type] for i in self._ranged]
        self._low = np.array([low for low, _, _ in ranges])
        self._high = np.array([high for _, high, _ in ranges])
        self._truths = {i for i, c in enumerate(columns) if c.type == "boolean"}
        self._optional = [i for i, c in enumerate(columns) if not c.required]
        self._types = TRUTHS if self._truths else NUMBERS
        self._pick = _picker(self.names) if self.names else None

    def rows(self, rows: object) -> tuple[Floats, tuple[str, ...]]:
        """(n, columns) values of a list of dicts, and the names in order.

        Raises InvalidInput with the row and the column.
        """
        if not isinstance(rows, list) or not rows:
            raise InvalidInput("Give a list of at least one row.")
        names, pick = self.names, self._pick
        if names is None or pick is None:
            names = _names_of(rows[0])
            pick = _picker(names)
        try:
            values = list(chain.from_iterable(map(pick, rows)))
            plain = set(map(len, rows)) == {len(names)} and self._all_fit(values)
        except (KeyError, TypeError):
            plain = False
        if not plain:
            # Slower, but it knows which row it looks at, and what may be missing.
            values = self._row_by_row(rows, names)
        try:
            matrix = np.fromiter(values, np.float64, len(values)).reshape(len(rows), -1)
        except OverflowError as error:
            raise self._beyond_float(values, names) from error
        return self._checked(matrix, names), names

    def block(self, columns: object, raw: memoryview) -> tuple[Floats, tuple[str, ...]]:
        """(n, columns) values of a float64 block whose columns are named by `columns`."""
        given = strings(columns)
        if not len(raw) or len(raw) % (8 * len(given)):
            raise InvalidInput("The block's size is no multiple of its columns.")
        matrix = np.frombuffer(raw, dtype="<f8").reshape(-1, len(given))
        names = self.names or given
        if given != names:
            matrix = self._ordered(matrix, given, names)
        if not (matrix.flags.aligned and matrix.flags.writeable):
            # Compiled estimators may insist on either.
            matrix = matrix.copy()
        return self._checked(matrix, names), names

    def _all_fit(self, values: list[Any]) -> bool:
        if not self._types.issuperset(map(type, values)):
            return False
        if not self._truths:
            return True
        width = len(self._columns)
        others = set(range(width)) - self._truths
        return all(NUMBERS.issuperset(map(type, values[i::width])) for i in others)

    def _row_by_row(self, rows: list[Any], names: tuple[str, ...]) -> list[Any]:
        """All values; raises InvalidInput for the first that does not fit."""
        columns = self._columns or tuple(InputColumn(name, "double") for name in names)
        optional = {column.name for column in columns if not column.required}
        values: list[Any] = []
        for number, row in enumerate(rows):
            if not isinstance(row, dict):
                raise InvalidInput(f"Row {number} is not an object.", row=number)
            same_columns(names, row.keys(), number, optional)
            values += [self._value(number, column, row.get(column.name)) for column in columns]
        return values

    def _value(self, number: int, column: InputColumn, value: Any) -> Any:
        if value is None and not column.required:
            return MISSING
        if type(value) not in (TRUTHS if column.type == "boolean" else NUMBERS):
            why = "a number is needed" if column.type != "boolean" else "true or false is needed"
            raise _wrong(number, column.name, why)
        return value

    def _beyond_float(self, values: list[Any], names: tuple[str, ...]) -> InvalidInput:
        for place, value in enumerate(values):
            try:
                float(value)
            except OverflowError:
                row, column = divmod(place, len(names))
                return _wrong(row, names[column], "the number is too large for float64")
        return InvalidInput("A number is too large for float64.")

    def _ordered(self, matrix: Floats, given: tuple[str, ...], names: tuple[str, ...]) -> Floats:
        optional = {names[i] for i in self._optional}
        same_columns(names, dict.fromkeys(given), None, optional)
        position = {name: i for i, name in enumerate(given)}
        if len(given) == len(names):
            return matrix.take([position[name] for name in names], axis=1)
        ordered = np.full((len(matrix), len(names)), MISSING)
        for place, name in enumerate(names):
            if name in position:
                ordered[:, place] = matrix[:, position[name]]
        return ordered

    def _checked(self, matrix: Floats, names: tuple[str, ...]) -> Floats:
        finite = np.isfinite(matrix)
        if not finite.all():
            self._refuse_infinite(matrix, finite, names)
        if self._ranged:
            self._in_range(matrix)
        return matrix

    def _refuse_infinite(
        self, matrix: Floats, finite: npt.NDArray[np.bool_], names: tuple[str, ...]
    ) -> None:
        if self._optional:
            finite[:, self._optional] |= np.isnan(matrix[:, self._optional])
        wrong = np.argwhere(~finite)
        if len(wrong):
            row, column = wrong[0].tolist()
            raise _wrong(row, names[column], "a finite number is needed")

    def _in_range(self, matrix: Floats) -> None:
        part = matrix if self._all_ranged else matrix[:, self._ranged]
        # A missing value, NaN, is neither below nor above.
        outside = (part < self._low) | (part > self._high)
        if outside.any():
            row, place = np.argwhere(outside)[0].tolist()
            column = self._columns[self._ranged[place]]
            raise _wrong(row, column.name, RANGES[column.type][2])
        broken = (part != np.rint(part)) & self._whole
        if broken.any():
            self._refuse_broken(broken & ~np.isnan(part))

    def _refuse_broken(self, broken: npt.NDArray[np.bool_]) -> None:
        for row, place in np.argwhere(broken)[:1].tolist():
            column = self._columns[self._ranged[place]]
            truth = column.type == "boolean"
            why = "true or false is needed" if truth else "a whole number is needed"
            raise _wrong(row, column.name, why)


def _picker(names: tuple[str, ...]) -> Any:
    if len(names) == 1:
        only = names[0]
        return lambda row: (row[only],)
    return itemgetter(*names)


def _names_of(row: Any) -> tuple[str, ...]:
    if not isinstance(row, dict) or not row:
        raise InvalidInput("Row 0 is not an object.", row=0)
    return tuple(row)


def _wrong(row: int, column: str, why: str) -> InvalidInput:
    shown = column[:MAX_SHOWN]
    return InvalidInput(f"Row {row}, column {shown!r}: {why}.", row=row, column=shown)
