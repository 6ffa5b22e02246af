"""Taking the values of named columns out of what was asked and answered."""

from collections.abc import Mapping
from typing import Any, Final

REDACTED: Final = "[redacted]"
Hidden = frozenset[str]
_ABOUT_ERRORS: Final = ("code", "row", "column")


def input_without(given: Any, hidden: Hidden) -> Any:
    """The rows of a request; None for a form whose columns cannot be told apart.

    Knows `rows`, `columns` with `data`, and the tensors of the V2 protocol that hold one column.
    """
    if not isinstance(given, Mapping):
        return None
    if isinstance(given.get("rows"), list):
        return {"rows": _records(given["rows"], hidden)}
    if isinstance(given.get("columns"), list) and isinstance(given.get("data"), list):
        return _split(given["columns"], given["data"], hidden)
    if isinstance(given.get("inputs"), list):
        return _tensors(given["inputs"], hidden)
    return None


def outputs_without(outputs: Any, hidden: Hidden) -> Any:
    """Outputs, of which some may be columns that came in; None for a form without names."""
    if not isinstance(outputs, list):
        return None
    if all(isinstance(one, Mapping) and "data" in one and "name" in one for one in outputs):
        found = _tensors(outputs, hidden)
        return None if found is None else found["inputs"]
    return _records(outputs, hidden)


def problem_without(problem: Any) -> dict[str, Any]:
    """What an error says of itself without its text, which may quote a value."""
    if not isinstance(problem, Mapping):
        return {}
    stated = {**(problem.get("context") or {}), **problem}
    return {name: stated[name] for name in _ABOUT_ERRORS if name in stated}


def _records(rows: list[Any], hidden: Hidden) -> list[Any]:
    return [
        {name: REDACTED if name in hidden else value for name, value in row.items()}
        if isinstance(row, Mapping)
        else REDACTED
        for row in rows
    ]


def _split(columns: list[Any], data: list[Any], hidden: Hidden) -> dict[str, Any] | None:
    if not all(isinstance(row, list) and len(row) == len(columns) for row in data):
        return None
    places = {place for place, name in enumerate(columns) if name in hidden}
    rows = [
        [REDACTED if place in places else value for place, value in enumerate(row)] for row in data
    ]
    return {"columns": columns, "data": rows}


def _tensors(tensors: list[Any], hidden: Hidden) -> dict[str, Any] | None:
    """Tensors by name. None where one has several columns: their names are not in the request."""
    kept = []
    for tensor in tensors:
        if not isinstance(tensor, Mapping) or not _is_column(tensor.get("shape")):
            return None
        name = tensor.get("name")
        data = REDACTED if name in hidden else tensor.get("data")
        kept.append({"name": name, "shape": tensor["shape"], "data": data})
    return {"inputs": kept}


def _is_column(shape: Any) -> bool:
    return isinstance(shape, list) and (len(shape) == 1 or shape[1:] == [1])
