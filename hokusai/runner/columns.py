"""Names of columns: those a model wants against those a caller gave."""

import difflib
from collections.abc import Collection
from typing import Final

from hokusai.runner.errors import InvalidInput

MAX_SHOWN: Final = 80
# Comparing texts is slow; nobody misnames more columns than this and reads the answer.
MAX_COMPARED: Final = 200


def same_columns(
    names: tuple[str, ...], given: Collection[str], row: int | None, optional: Collection[str] = ()
) -> None:
    """Raise InvalidInput for the first of `names` that is missing, or of `given` that is extra.

    `optional` ones may be missing. The message suggests the name that was probably meant.
    """
    where = "T" if row is None else f"Row {row}: t"
    known = frozenset(names)
    for name in names:
        if name not in given and name not in optional:
            meant = near(name, [other for other in given if other not in known])
            hint = f"; {meant!r} was given" if meant else ""
            message = f"{where}he column {name!r} is missing{hint}."
            raise InvalidInput(message, row=row, column=name)
    for name in given:
        if name not in known:
            meant = near(name, [other for other in names if other not in given])
            hint = f"; did you mean {meant!r}?" if meant else "."
            shown = str(name)[:MAX_SHOWN]
            message = f"{where}he model knows no column {shown!r}{hint}"
            raise InvalidInput(message, row=row, column=shown)


def near(name: str, others: list[str]) -> str:
    """The one of `others` that was probably meant by `name`; empty where none is like it."""
    folded = {other[:MAX_SHOWN].casefold().strip(): other for other in others[:MAX_COMPARED]}
    found = difflib.get_close_matches(name[:MAX_SHOWN].casefold().strip(), folded, n=1)
    return folded[found[0]][:MAX_SHOWN] if found else ""


def strings(columns: object) -> tuple[str, ...]:
    """`columns` as different strings, at least one; raises InvalidInput."""
    if not isinstance(columns, list) or not columns:
        raise InvalidInput("Name the block's columns.")
    if not all(isinstance(name, str) for name in columns) or len(set(columns)) != len(columns):
        raise InvalidInput("Column names are different strings.")
    return tuple(columns)
