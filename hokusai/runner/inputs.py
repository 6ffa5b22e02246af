"""Brings a request's rows to one matrix in the order of the model's signature."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hokusai.runner.errors import InvalidInput
from hokusai.runner.mlmodel import INTEGER_TYPES, NUMERIC_TYPES, InputColumn

Floats = npt.NDArray[np.float64]
NUMBERS: Final = frozenset({int, float})
TRUTHS: Final = frozenset({int, float, bool})


class InputReader:
    """Reads requests for one model. `columns` None: the model names none, order is the caller's.

    Every value must be a finite number; nothing is filled in, dropped or converted from text.
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
        self._integers = [i for i, c in enumerate(columns) if c.type in INTEGER_TYPES]
        self._types = TRUTHS if any(c.type == "boolean" for c in columns) else NUMBERS
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
        values = [self._row(number, row, names, pick) for number, row in enumerate(rows)]
        try:
            matrix = np.array(values, dtype=np.float64)
        except OverflowError as error:
            raise InvalidInput("A number is too large for float64.") from error
        return self._finite(matrix, names), names

    def block(self, columns: object, raw: memoryview) -> tuple[Floats, tuple[str, ...]]:
        """(n, columns) values of a float64 block whose columns are named by `columns`."""
        given = _strings(columns)
        if not len(raw) or len(raw) % (8 * len(given)):
            raise InvalidInput("The block's size is no multiple of its columns.")
        matrix = np.frombuffer(raw, dtype="<f8").reshape(-1, len(given))
        if not (matrix.flags.aligned and matrix.flags.writeable):
            # Compiled estimators may insist on either.
            matrix = matrix.copy()
        names = self.names or given
        if given != names:
            _same_columns(names, set(given), None)
            position = {name: i for i, name in enumerate(given)}
            matrix = matrix.take([position[name] for name in names], axis=1)
        return self._finite(matrix, names), names

    def _row(self, number: int, row: Any, names: tuple[str, ...], pick: Any) -> tuple[Any, ...]:
        try:
            values: tuple[Any, ...] = pick(row)
        except (KeyError, TypeError):
            values = ()
        if len(values) != len(names) or len(row) != len(names):
            if not isinstance(row, dict):
                raise InvalidInput(f"Row {number} is not an object.", row=number)
            _same_columns(names, row.keys(), number)
        if not self._types.issuperset(map(type, values)):
            self._refuse_type(number, names, values)
        return values

    def _refuse_type(self, number: int, names: tuple[str, ...], values: tuple[Any, ...]) -> None:
        for name, value in zip(names, values, strict=True):
            if type(value) not in self._types:
                raise InvalidInput(
                    f"Row {number}, column {name!r}: a number is needed.", row=number, column=name
                )

    def _finite(self, matrix: Floats, names: tuple[str, ...]) -> Floats:
        if not np.isfinite(matrix).all():
            row, column = np.argwhere(~np.isfinite(matrix))[0].tolist()
            raise InvalidInput(
                f"Row {row}, column {names[column]!r}: a finite number is needed.",
                row=row,
                column=names[column],
            )
        if self._integers:
            self._whole(matrix, names)
        return matrix

    def _whole(self, matrix: Floats, names: tuple[str, ...]) -> None:
        part = matrix[:, self._integers]
        wrong = np.argwhere(part != np.rint(part))
        if len(wrong):
            row, column = int(wrong[0][0]), names[self._integers[int(wrong[0][1])]]
            raise InvalidInput(
                f"Row {row}, column {column!r}: a whole number is needed.", row=row, column=column
            )


def _picker(names: tuple[str, ...]) -> Any:
    if len(names) == 1:
        only = names[0]
        return lambda row: (row[only],)
    return itemgetter(*names)


def _names_of(row: Any) -> tuple[str, ...]:
    if not isinstance(row, dict) or not row:
        raise InvalidInput("Row 0 is not an object.", row=0)
    return tuple(row)


def _strings(columns: object) -> tuple[str, ...]:
    if not isinstance(columns, list) or not columns:
        raise InvalidInput("Name the block's columns.")
    if not all(isinstance(name, str) for name in columns) or len(set(columns)) != len(columns):
        raise InvalidInput("Column names are different strings.")
    return tuple(columns)


def _same_columns(names: tuple[str, ...], given: Any, row: int | None) -> None:
    """Raise InvalidInput for the first column of `names` that is missing, or of `given` extra."""
    where = "" if row is None else f"Row {row}: "
    for name in names:
        if name not in given:
            raise InvalidInput(f"{where}the column {name!r} is missing.", row=row, column=name)
    for name in given:
        if name not in names:
            raise InvalidInput(
                f"{where}the model knows no column {name!r}.", row=row, column=str(name)[:80]
            )
