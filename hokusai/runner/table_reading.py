"""The child's side of a table: read Arrow or parquet into one matrix of float64, answer once."""

import socket
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute
import pyarrow.ipc
import pyarrow.parquet as pq

from hokusai.runner import protocol
from hokusai.runner.errors import InvalidInput, RunnerError, to_wire
from hokusai.runner.foreign import VALUES

Floats = npt.NDArray[np.float64]
BATCH_ROWS: Final = 1 << 16
# What a parquet footer may hold: names and lists, long enough for any table of numbers.
MAX_THRIFT_STRING_BYTES: Final = 1 << 22
MAX_THRIFT_ITEMS: Final = 1 << 18
MAX_COLUMNS: Final = 10_000
# Whole numbers beyond it are not all different as float64.
MAX_WHOLE: Final = 1 << 53
# What main takes from a child that was sent so many bytes.
MOST_CELLS: Final = 8_000_000
MORE_CELLS: Final = 8
ARROW_FILE_MARK: Final = b"ARROW1\x00\x00"
NAMES: Final = {"arrow": "an Arrow table", "parquet": "a parquet file"}
MAX_REASON: Final = 200


def answer(data: socket.socket) -> None:
    """Read one table and send it, or the error."""
    body = protocol.receive(data)
    if body is None:
        return
    try:
        header, block = protocol.decode(body)
        with _Untrusted(str(header["form"])):
            columns, matrix = read(header, block)
    except RunnerError as error:
        data.sendall(protocol.encode({"error": to_wire(error)}))
        return
    protocol.send(data, {"columns": columns, "rows": len(matrix)}, matrix.data)


def read(header: Mapping[str, Any], raw: memoryview) -> tuple[list[str], Floats]:
    """Names, and (rows, columns) values, of the table in `raw`.

    `header`: `form` (arrow or parquet), `max_rows`, `max_cells`. Raises InvalidInput; what the
    library raises passes through.
    """
    opened = {"arrow": _arrow, "parquet": _parquet}.get(str(header["form"]))
    if opened is None:
        raise InvalidInput("A table is given as arrow or as parquet.")
    schema, stated, batches = opened(pa.BufferReader(pa.py_buffer(raw)))
    names = _names(schema)
    cells = min(int(header["max_cells"]), MOST_CELLS + MORE_CELLS * len(raw))
    limit = min(int(header["max_rows"]), cells // len(names))
    _few_enough(stated or 0, limit, len(names))
    parts: list[Floats] = []
    rows = 0
    for batch in batches:
        _few_enough(rows + batch.num_rows, limit, len(names))
        # Lengths and positions in a file are claims until they have been compared with its bytes.
        batch.validate(full=True)
        parts.append(_matrix(batch, names, rows))
        rows += batch.num_rows
    if stated not in (None, rows):
        raise InvalidInput(f"The table says that it has {stated} rows, but {rows} are there.")
    if not rows:
        raise InvalidInput("The table has no rows.")
    return names, np.concatenate(parts)


Opened = tuple[pa.Schema, int | None, Iterator[pa.RecordBatch]]


def _arrow(source: pa.BufferReader) -> Opened:
    options = pa.ipc.IpcReadOptions(use_threads=False)
    if bytes(source.read(len(ARROW_FILE_MARK))) != ARROW_FILE_MARK:
        source.seek(0)
        stream = pa.ipc.open_stream(source, options=options)
        return stream.schema, None, iter(stream)
    file = pa.ipc.open_file(source, options=options)
    return file.schema, None, (file.get_batch(i) for i in range(file.num_record_batches))


def _parquet(source: pa.BufferReader) -> Opened:
    file = pq.ParquetFile(
        source,
        pre_buffer=False,
        thrift_string_size_limit=MAX_THRIFT_STRING_BYTES,
        thrift_container_size_limit=MAX_THRIFT_ITEMS,
    )
    batches = file.iter_batches(batch_size=BATCH_ROWS, use_threads=False)
    return file.schema_arrow, file.metadata.num_rows, batches


def _names(schema: pa.Schema) -> list[str]:
    names = list(schema.names)
    if not names or len(names) > MAX_COLUMNS:
        raise InvalidInput(f"A table has between 1 and {MAX_COLUMNS} columns.")
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidInput(f"The column {twice[:80]!r} is there twice.", column=twice[:80])
    for field in schema:
        if not _numeric(field.type):
            raise InvalidInput(
                f"Column {field.name[:80]!r}: only numbers can be given, not {field.type!s:.60}.",
                column=field.name[:80],
            )
    return names


def _numeric(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean)
    return any(test(kind) for test in tests)


def _few_enough(rows: int, limit: int, columns: int) -> None:
    if rows > limit:
        raise InvalidInput(
            f"The table is too large: at most {limit} rows of {columns} columns are read at once.",
            max_rows=limit,
        )


def _matrix(batch: pa.RecordBatch, names: list[str], before: int) -> Floats:
    matrix = np.empty((batch.num_rows, len(names)), dtype=np.float64)
    for place, (name, column) in enumerate(zip(names, batch.columns, strict=True)):
        matrix[:, place] = _column(column, name, before)
    finite = np.isfinite(matrix)
    if not finite.all():
        row, place = np.argwhere(~finite)[0].tolist()
        raise _wrong(before + row, names[place], "a finite number is needed")
    return matrix


def _column(column: pa.Array, name: str, before: int) -> npt.NDArray[Any]:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if column.null_count:
        row = int(np.flatnonzero(_values(column.is_null()))[0])
        raise _wrong(before + row, name, "the value is missing")
    values = _values(column)
    if values.dtype in (np.int64, np.uint64):
        large = np.flatnonzero((values > MAX_WHOLE) | (values < -MAX_WHOLE))
        if len(large):
            why = "whole numbers beyond 2^53 cannot be told apart by a model"
            raise _wrong(before + int(large[0]), name, why)
    return values


def _values(column: pa.Array) -> npt.NDArray[Any]:
    """The numbers of a column without gaps. `to_numpy` would import pandas in every child."""
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    found: npt.NDArray[Any] = np.from_dlpack(column)
    return found


def _wrong(row: int, name: str, why: str) -> InvalidInput:
    return InvalidInput(f"Row {row}, column {name[:80]!r}: {why}.", row=row, column=name[:80])


class _Untrusted:
    """Whatever the library raises for a body means that the body is not what it claims."""

    def __init__(self, form: str) -> None:
        self._form = NAMES.get(form, "a table")

    def __enter__(self) -> None:
        return

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if raised is None or isinstance(raised, RunnerError | KeyboardInterrupt):
            return
        if isinstance(raised, MemoryError):
            raise InvalidInput("The table takes too much memory to be read.") from raised
        reason = VALUES.sub("…", " ".join(str(raised).split()))[:MAX_REASON]
        raise InvalidInput(f"The body is not {self._form} that can be read: {reason}") from raised
