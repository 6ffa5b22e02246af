"""Parquet files of one schema put one behind the other, without decoding a single value.

The pages are copied as they are; the footers are merged, every offset moved to where its bytes
are now. Only for files that workers wrote here. Footer: Apache Parquet format, parquet.thrift,
in Thrift's compact protocol.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, BinaryIO

MAGIC = b"PAR1"
TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, STRUCT = (
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    12,
)
INTEGERS = (I16, I32, I64)
# FileMetaData, RowGroup, ColumnChunk: fields by number.
NUM_ROWS, ROW_GROUPS = 3, 4
GROUP_COLUMNS, GROUP_OFFSET, GROUP_ORDINAL = 1, 5, 7
COLUMN_META = 3
COLUMN_OFFSETS = (2, 4, 6)
META_OFFSETS = (9, 10, 11, 14)


@dataclass(slots=True)
class Struct:
    """A Thrift struct: field number to its type and value, in order."""

    fields: dict[int, tuple[int, Any]]

    def get(self, number: int) -> Any:
        """The value of a field."""
        return self.fields[number][1]

    def set(self, number: int, value: Any) -> None:
        """Another value for a field that is there."""
        self.fields[number] = (self.fields[number][0], value)

    def move(self, numbers: Iterable[int], by: int) -> None:
        """Move offsets; those that are absent or 0 name nothing."""
        for number in numbers:
            if number in self.fields and self.get(number):
                self.set(number, self.get(number) + by)


@dataclass(slots=True)
class Items:
    """A Thrift list or set."""

    kind: int
    values: list[Any]


class Joined:
    """A Parquet file that grows by whole files of the same schema."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self._footer: Struct | None = None
        self._at = target.write(MAGIC)

    def add(self, content: bytes) -> None:
        """The rows of another file behind those so far. Raises ValueError for what is none."""
        if content[:4] != MAGIC or content[-4:] != MAGIC:
            raise ValueError("no Parquet file")
        end = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
        footer = _Reading(content, end).struct()
        moved = self._at - len(MAGIC)
        self._at += self._target.write(memoryview(content)[len(MAGIC) : end])
        for group in footer.get(ROW_GROUPS).values:
            _move(group, moved)
        self._merge(footer)

    def close(self) -> None:
        """Write the footer. Raises ValueError where nothing was added."""
        if self._footer is None:
            raise ValueError("no file was added")
        for ordinal, group in enumerate(self._footer.get(ROW_GROUPS).values):
            if GROUP_ORDINAL in group.fields:
                group.set(GROUP_ORDINAL, ordinal)
        text = bytearray()
        _write_struct(text, self._footer)
        self._target.write(bytes(text) + len(text).to_bytes(4, "little") + MAGIC)

    def _merge(self, footer: Struct) -> None:
        whole = self._footer
        if whole is None:
            self._footer = footer
            return
        whole.set(NUM_ROWS, whole.get(NUM_ROWS) + footer.get(NUM_ROWS))
        whole.get(ROW_GROUPS).values.extend(footer.get(ROW_GROUPS).values)


def _move(group: Struct, by: int) -> None:
    group.move((GROUP_OFFSET,), by)
    for column in group.get(GROUP_COLUMNS).values:
        column.move(COLUMN_OFFSETS, by)
        column.get(COLUMN_META).move(META_OFFSETS, by)


class _Reading:
    """Values of the compact protocol, one after the other."""

    def __init__(self, content: bytes, at: int) -> None:
        self._content, self._at = content, at

    def struct(self) -> Struct:
        fields: dict[int, tuple[int, Any]] = {}
        number = 0
        while head := self._byte():
            kind = head & 15
            number = number + (head >> 4) if head >> 4 else self._signed()
            fields[number] = (kind, kind == TRUE if kind in (TRUE, FALSE) else self._value(kind))
        return Struct(fields)

    def _value(self, kind: int) -> Any:
        if kind in INTEGERS:
            return self._signed()
        if kind == BINARY:
            return self._bytes(self._unsigned())
        if kind in (LIST, SET):
            return self._items()
        if kind == STRUCT:
            return self.struct()
        if kind in (BYTE, TRUE, FALSE):
            return self._byte()
        if kind == DOUBLE:
            return self._bytes(8)
        raise ValueError(f"a footer holds type {kind}")

    def _items(self) -> Items:
        head = self._byte()
        kind, size = head & 15, head >> 4
        if size == 15:  # noqa: PLR2004 - the size stands behind
            size = self._unsigned()
        return Items(kind, [self._value(kind) for _ in range(size)])

    def _byte(self) -> int:
        self._at += 1
        return self._content[self._at - 1]

    def _bytes(self, size: int) -> bytes:
        self._at += size
        return self._content[self._at - size : self._at]

    def _unsigned(self) -> int:
        value, shift = 0, 0
        while (part := self._byte()) & 128:
            value |= (part & 127) << shift
            shift += 7
        return value | part << shift

    def _signed(self) -> int:
        value = self._unsigned()
        return value >> 1 ^ -(value & 1)


def _write_struct(text: bytearray, struct: Struct) -> None:
    before = 0
    for number, (kind, value) in struct.fields.items():
        shown = (TRUE if value else FALSE) if kind in (TRUE, FALSE) else kind
        if 0 < number - before <= 15:  # noqa: PLR2004 - what the short form holds
            text.append((number - before) << 4 | shown)
        else:
            text.append(shown)
            _write_signed(text, number)
        if kind not in (TRUE, FALSE):
            _write(text, kind, value)
        before = number
    text.append(0)


def _write(text: bytearray, kind: int, value: Any) -> None:
    if kind in INTEGERS:
        _write_signed(text, value)
    elif kind == BINARY:
        _write_unsigned(text, len(value))
        text += value
    elif kind in (LIST, SET):
        _write_items(text, value)
    elif kind == STRUCT:
        _write_struct(text, value)
    elif kind == DOUBLE:
        text += value
    else:
        text.append(value)


def _write_items(text: bytearray, items: Items) -> None:
    size = len(items.values)
    text.append(min(size, 15) << 4 | items.kind)
    if size >= 15:  # noqa: PLR2004 - the size stands behind
        _write_unsigned(text, size)
    for value in items.values:
        _write(text, items.kind, value)


def _write_unsigned(text: bytearray, value: int) -> None:
    while value > 127:  # noqa: PLR2004 - seven bits in each byte
        text.append(value & 127 | 128)
        value >>= 7
    text.append(value)


def _write_signed(text: bytearray, value: int) -> None:
    _write_unsigned(text, value << 1 ^ value >> 63)
