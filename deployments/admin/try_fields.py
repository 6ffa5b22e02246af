"""The fields of the form that tries a deployment: one per column of the signature."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

NUMBERS = frozenset({"integer", "long", "float", "double"})
BOOLEAN = "boolean"
# Beyond, a form is no help; the rows as JSON are.
FIELDS_MAX = 120


@dataclass(frozen=True, slots=True)
class TryField:
    """One column as a field; `key` is its name in the form, `value` what is in it."""

    key: str
    name: str
    kind: str
    required: bool
    value: str
    error: str = ""

    @property
    def number(self) -> bool:
        """Whether digits are expected."""
        return self.kind in NUMBERS

    @property
    def choices(self) -> tuple[str, ...]:
        """What may be chosen; nothing where it is typed."""
        return ("true", "false") if self.kind == BOOLEAN else ()


def columns_of(signature: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The named input columns that a signature states; none for tensors or no signature."""
    inputs = signature.get("inputs")
    if not isinstance(inputs, list):
        return []
    columns = [one for one in inputs if isinstance(one, Mapping)]
    if any(not isinstance(one.get("name"), str) or "tensor-spec" in one for one in columns):
        return []
    return columns


def filled(columns: Sequence[Mapping[str, Any]], row: Mapping[str, Any]) -> list[TryField]:
    """The fields with an example in them."""
    return [
        _field(place, column, _text(row.get(str(column["name"]))))
        for place, column in enumerate(columns)
    ]


def typed(
    columns: Sequence[Mapping[str, Any]], given: Mapping[str, Any], wrong: Mapping[str, str]
) -> list[TryField]:
    """The fields as they were sent; `wrong` tells by column what was said against it."""
    return [
        _field(place, column, str(given.get(f"c{place}", "")), wrong.get(str(column["name"]), ""))
        for place, column in enumerate(columns)
    ]


def _field(place: int, column: Mapping[str, Any], value: str, error: str = "") -> TryField:
    return TryField(
        key=f"c{place}",
        name=str(column["name"]),
        kind=str(column.get("type", "")),
        required=column.get("required") is not False,
        value=value,
        error=error,
    )


def row_of(fields: Sequence[TryField]) -> dict[str, Any]:
    """What the fields hold as a row; what cannot be read is left as text, for the API to judge."""
    return {field.name: _value(field) for field in fields if field.value != "" or field.required}


def _value(field: TryField) -> Any:
    if field.value == "":
        return None
    if field.number:
        return _number(field.value)
    if field.kind == BOOLEAN and field.value in ("true", "false"):
        return field.value == "true"
    return field.value


def _number(text: str) -> Any:
    try:
        value = float(text)
    except ValueError:
        return text
    if not math.isfinite(value):
        return text
    whole = text.strip().lstrip("+-")
    return int(text) if whole.isascii() and whole.isdigit() else value


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def as_json(rows: Sequence[Mapping[str, Any]], columns: Sequence[Mapping[str, Any]]) -> str:
    """A request's body that a person edits."""
    shown = list(rows) or [{str(column["name"]): None for column in columns}]
    return orjson.dumps({"rows": shown}, option=orjson.OPT_INDENT_2).decode()
