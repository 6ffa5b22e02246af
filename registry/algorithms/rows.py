"""Digests of typed rows that do not depend on the file, its format or the order of its rows.

Encoding, version 1. A row is the cells of the schema's columns, in the schema's order, joined
without separators. A cell is one tag byte and a payload; `len` is a big-endian uint32:

    text      "t" len bytes        UTF-8 of the NFC form
    integer   "i" len digits       decimal ASCII, "-" before negatives, no leading zeros
    number    "n" 8 bytes          IEEE 754 float64, big-endian; -0.0 is written as 0.0
    boolean   "b" 1 byte           00 or 01

A missing value is `len` = ffffffff without bytes for text and integer, the quiet NaN
7ff8000000000000 for a number (every NaN is a missing value), and ff for a boolean.

    row digest     = SHA-256(00 || "hokusai-row/1" || all cells)        an RFC 6962 leaf
    inputs digest  = SHA-256(00 || "hokusai-inputs/1" || cells of the features)
    root           = RFC 6962 root over the row digests sorted as bytes, repeats kept

Column names are not part of a row, so a renamed column hides no copy; `schema_digest` commits to
them. Inputs leave out the id and the label: a copy with a changed label has the same inputs.

Test vector, columns text, integer, number, boolean, row ("é", -12, 0.5, true), without id and
label, in hexadecimal: 74 00000002 c3a9  69 00000003 2d3132  6e 3fe0000000000000  62 01; row
digest a666e06ec45da9b122035687ea042c67e8a5fb0810cd04a34de1377f25d74e93.
"""

import struct
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from hokusai.core import merkle
from hokusai.core.canonical import canonical_bytes, sha256_hex

Dtype: TypeAlias = Literal["text", "integer", "number", "boolean"]
Value: TypeAlias = str | int | float | bool | None

DTYPES: tuple[str, ...] = get_args(Dtype)
ROW_PREFIX = b"\x00hokusai-row/1"
INPUTS_PREFIX = b"\x00hokusai-inputs/1"
MISSING_LENGTH = b"\xff\xff\xff\xff"
CANONICAL_NAN = 0x7FF8000000000000

_ALLOWED: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "integer": (int, np.integer),
    "number": (int, float, np.integer, np.floating),
    "boolean": (bool, np.bool_),
}


class RowError(ValueError):
    """A value does not fit its column, or the columns do not fit the schema."""


@dataclass(frozen=True, slots=True)
class Column:
    """A named column and the type that its values are encoded as."""

    name: str
    dtype: Dtype


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns in their order, and which of them are the label and the row's id."""

    columns: tuple[Column, ...]
    label: str | None = None
    id: str | None = None

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if not names or len(set(names)) != len(names):
            raise RowError("A schema needs columns with different names.")
        for role in (self.label, self.id):
            if role is not None and role not in names:
                raise RowError(f"The schema has no column {role!r}.")
        if unknown := {column.dtype for column in self.columns} - set(DTYPES):
            raise RowError(f"Unknown column types: {', '.join(sorted(unknown))}.")

    @property
    def features(self) -> tuple[Column, ...]:
        """The columns that are neither the id nor the label."""
        return tuple(column for column in self.columns if column.name not in (self.label, self.id))


@dataclass(frozen=True, slots=True)
class RowDigests:
    """Digests of 32 bytes in the order of the rows, and the root as 64 hexadecimal digits."""

    rows: list[bytes]
    inputs: list[bytes]
    root: str


def digest_rows(columns: Mapping[str, Sequence[Any]], schema: Schema) -> RowDigests:
    """Digest every row of a table given by columns.

    Raises:
        RowError: a column is missing or of another length, or a value is of another type.
    """
    size = _common_length(columns, schema)
    cells = {column.name: _encode_column(columns[column.name], column) for column in schema.columns}
    rows = _digest_joined(ROW_PREFIX, [cells[column.name] for column in schema.columns], size)
    inputs = _digest_joined(INPUTS_PREFIX, [cells[item.name] for item in schema.features], size)
    return RowDigests(rows, inputs, rows_root(rows))


def rows_root(row_digests: Sequence[bytes]) -> str:
    """Return the digest of a set of rows with multiplicity, in hexadecimal."""
    return merkle.root(sorted(row_digests)).hex()


def row_digest(row: Mapping[str, Value], schema: Schema) -> bytes:
    """Return the digest of all cells of one row. Raises RowError."""
    return digest_rows(_as_columns(row, schema), schema).rows[0]


def inputs_digest(row: Mapping[str, Value], schema: Schema) -> bytes:
    """Return the digest of one row without its id and its label. Raises RowError."""
    return digest_rows(_as_columns(row, schema), schema).inputs[0]


def schema_digest(schema: Schema) -> str:
    """Return the SHA-256 of the columns' names, types and roles, in hexadecimal."""
    columns = [{"name": column.name, "dtype": column.dtype} for column in schema.columns]
    return sha256_hex(canonical_bytes({"columns": columns, "id": schema.id, "label": schema.label}))


def encode_row(row: Mapping[str, Value], schema: Schema) -> bytes:
    """Return all cells of one row as encoded before hashing, without prefix. Raises RowError."""
    return encode_rows(_as_columns(row, schema), schema)[0]


def encode_rows(columns: Mapping[str, Sequence[Any]], schema: Schema) -> list[bytes]:
    """The same of every row of a table given by columns, in order. Raises RowError."""
    _common_length(columns, schema)
    cells = [_encode_column(columns[column.name], column) for column in schema.columns]
    join = b"".join
    return [join(parts) for parts in zip(*cells, strict=True)]


def _as_columns(row: Mapping[str, Value], schema: Schema) -> dict[str, list[Value]]:
    if missing := [item.name for item in schema.columns if item.name not in row]:
        raise RowError(f"The row has no column {missing[0]!r}.")
    return {column.name: [row[column.name]] for column in schema.columns}


def _common_length(columns: Mapping[str, Sequence[Any]], schema: Schema) -> int:
    names = [column.name for column in schema.columns]
    if set(names) != set(columns):
        wrong = sorted(set(names) ^ set(columns))
        raise RowError(f"The table's columns differ from the schema's: {', '.join(wrong)}.")
    lengths = {len(columns[name]) for name in names}
    if len(lengths) != 1:
        raise RowError("The columns have different lengths.")
    return lengths.pop()


def _digest_joined(prefix: bytes, cells: list[list[bytes]], size: int) -> list[bytes]:
    if not cells:
        return [sha256(prefix).digest()] * size
    join = b"".join
    return [sha256(prefix + join(parts)).digest() for parts in zip(*cells, strict=True)]


def _encode_column(values: Sequence[Any], column: Column) -> list[bytes]:
    _check_types(values, column)
    if column.dtype == "number":
        return _encode_numbers(values, column)
    encode = {"text": _TextCells, "integer": _IntegerCells, "boolean": _BooleanCells}[column.dtype]
    # Values repeat, so a table from value to cell is filled once per distinct value.
    cells: Mapping[Any, bytes] = encode()
    try:
        return [cells[value] for value in values]
    except UnicodeEncodeError as error:
        raise RowError(f"Column {column.name!r} holds text that is not valid Unicode.") from error


def _check_types(values: Sequence[Any], column: Column) -> None:
    allowed = _ALLOWED[column.dtype]
    for kind in set(map(type, values)) - {type(None)}:
        is_boolean = issubclass(kind, bool)
        if not issubclass(kind, allowed) or (is_boolean and column.dtype != "boolean"):
            row = next(row for row, value in enumerate(values) if type(value) is kind)
            raise RowError(
                f"Column {column.name!r} is {column.dtype}, but row {row} is {kind.__name__}."
            )


def _encode_numbers(values: Sequence[Any], column: Column) -> list[bytes]:
    for value in values:
        if isinstance(value, int) and int(_to_float(value, column)) != value:
            raise RowError(f"Column {column.name!r}: {value} is not exact as a number.")
    floats = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return [b"n" + bits for bits in _canonical_bits(floats)]


def _to_float(value: int, column: Column) -> float:
    try:
        return float(value)
    except OverflowError as error:
        raise RowError(f"Column {column.name!r} holds an integer too large.") from error


def _canonical_bits(floats: npt.NDArray[np.float64]) -> list[bytes]:
    # Adding 0.0 turns -0.0 into 0.0 and leaves every other value as it is.
    bits = (floats + 0.0).view(np.uint64)
    bits = np.where(np.isnan(floats), np.uint64(CANONICAL_NAN), bits).astype(">u8")
    data = bits.tobytes()
    return [data[start : start + 8] for start in range(0, len(data), 8)]


class _TextCells(dict[str | None, bytes]):
    def __missing__(self, value: str | None) -> bytes:
        cell = b"t" + _prefixed(None if value is None else _nfc_bytes(value))
        self[value] = cell
        return cell


class _IntegerCells(dict[int | None, bytes]):
    def __missing__(self, value: int | None) -> bytes:
        cell = b"i" + _prefixed(None if value is None else str(int(value)).encode())
        self[value] = cell
        return cell


class _BooleanCells(dict[bool | None, bytes]):
    def __missing__(self, value: bool | None) -> bytes:
        cell = b"b\xff" if value is None else b"b\x01" if value else b"b\x00"
        self[value] = cell
        return cell


def _nfc_bytes(value: str) -> bytes:
    return unicodedata.normalize("NFC", value).encode("utf-8")


def _prefixed(payload: bytes | None) -> bytes:
    return MISSING_LENGTH if payload is None else struct.pack(">I", len(payload)) + payload
