"""From what was given to a Parquet file that parts can be read from.

A dataset's table was decoded, within limits, when it was taken in; an uploaded Parquet or Arrow
file is first read by an isolated child, and what is read here is our own file made from that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
from django.conf import settings

from deployments.batches import places, tables
from deployments.batches.exceptions import BatchFailed, RunnerDown
from deployments.batches.tables import GROUP_ROWS, Reader
from deployments.models import BatchPrediction
from hokusai.core.errors import InvalidInput
from hokusai.runner import errors
from hokusai.runner.client import RunnerClient
from hokusai.runner.table_calls import TableForm
from hokusai.storage import stores
from registry.algorithms.tables import Limits, TableError, TableFormat, read_table
from registry.damage import damage_recorded

NUMBERS = ("integer", "number", "boolean")
TYPES = {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(), "text": pa.string()}


@dataclass(frozen=True, slots=True)
class Source:
    """A table that was read: the dtype of each column, and its file or its columns."""

    dtypes: dict[str, str]
    path: Path | None = None
    table: pa.Table | None = None


def read_source(batch: BatchPrediction) -> Source:
    """The table of a batch.

    Raises InvalidInput (with `row`, from 0, and `column`), ContentMissing, ContentDamaged,
    RunnerDown or StorageUnavailable.
    """
    if batch.file_format not in ("parquet", "arrow"):
        return _text(batch)
    checked = batch.dataset_version
    if checked is None:
        return _isolated(batch)
    with damage_recorded(checked):
        path = places.local_file(batch.file_digest)
    return Source({column["name"]: column["dtype"] for column in checked.columns}, path=path)


def columns_for(
    source: Source, inputs: Sequence[str], batch: BatchPrediction, *, label: str = ""
) -> list[str]:
    """The columns that the model is given, in its order.

    Raises InvalidInput for one that is missing, unknown to the model, or no number.
    """
    aside = {batch.id_column, label, *batch.ignored_columns}
    if batch.id_column and batch.id_column not in source.dtypes:
        raise InvalidInput(
            f"The table has no id column {batch.id_column!r}.", column=batch.id_column
        )
    columns = list(inputs) or [name for name in source.dtypes if name not in aside]
    for name in columns:
        if name not in source.dtypes:
            raise InvalidInput(f"The table has no column {name!r}.", column=name)
        if source.dtypes[name] not in NUMBERS:
            raise InvalidInput(
                f"Column {name!r} holds {source.dtypes[name]}; the model needs numbers.",
                column=name,
            )
    for name in source.dtypes:
        if name not in columns and name not in aside:
            raise InvalidInput(
                f"The model knows no column {name!r}; leave it out, or name it in ignored_columns.",
                column=name,
            )
    if not columns:
        raise InvalidInput("The table has no column for the model.")
    return columns


def keep_readable(
    source: Source, batch: BatchPrediction, columns: Sequence[str], part_rows: int
) -> str:
    """Digest of a Parquet file that holds `columns` and the id, in row groups within a part."""
    wanted = list(dict.fromkeys([*columns, *([batch.id_column] if batch.id_column else [])]))
    if source.path is not None and Reader(source.path).largest_group() <= part_rows:
        return batch.file_digest
    rows = min(GROUP_ROWS, part_rows)
    with places.draft() as path:
        if source.path is not None:
            tables.regroup(source.path, path, wanted, rows)
        elif source.table is not None:
            tables.write_groups(path, source.table.select(wanted), rows)
        digest = stores["default"].put_file(path)
        path.replace(places.folder() / digest)
    return digest


def _text(batch: BatchPrediction) -> Source:
    """CSV and JSON lines, by the reader that takes in datasets."""
    with damage_recorded(batch.dataset_version or batch.version):
        content = stores["default"].get(batch.file_digest)
    try:
        limits = Limits(max_rows=settings.BATCH_MAX_ROWS, max_bytes=settings.MAX_TABLE_BYTES)
        found = read_table(content, cast(TableFormat, batch.file_format), limits)
    except TableError as error:
        row = None if error.row is None else error.row - 1
        raise InvalidInput(_placed(error.message, row, error.column), row=row) from error
    dtypes: dict[str, str] = {column.name: column.dtype for column in found.schema.columns}
    arrays = {name: pa.array(found.columns[name], TYPES[dtype]) for name, dtype in dtypes.items()}
    return Source(dtypes, table=pa.table(arrays))


def _placed(message: str, row: int | None, column: str | None) -> str:
    place = [f"row {row}"] if row is not None else []
    place += [f"column {column!r}"] if column is not None else []
    return f"{message} ({', '.join(place)})" if place else message


@cache
def _client(socket_path: str) -> RunnerClient:
    return RunnerClient(socket_path)


def _isolated(batch: BatchPrediction) -> Source:
    """An uploaded Parquet or Arrow file, read by a child of its own."""
    body = stores["default"].get(batch.file_digest)
    try:
        found: Any = _client(settings.RUNNER_SOCKET).read_table(
            project=batch.project.slug,
            form=cast(TableForm, batch.file_format),
            body=body,
            max_rows=settings.BATCH_MAX_ROWS,
            max_cells=settings.BATCH_MAX_CELLS,
            memory_bytes=settings.BATCH_READ_BYTES,
            deadline_s=settings.BATCH_DEADLINE_S,
        )
    except errors.InvalidInput as error:
        raise InvalidInput(error.message, **error.context) from error
    except errors.RunnerUnavailable as error:
        raise RunnerDown(error.message) from error
    except errors.RunnerError as error:
        raise BatchFailed(f"The table cannot be read: {error.message}") from error
    matrix = np.frombuffer(found.block, dtype="<f8").reshape(found.rows, len(found.columns))
    arrays = {
        name: _numbers(matrix[:, place], whole=name == batch.id_column)
        for place, name in enumerate(found.columns)
    }
    return Source(dict.fromkeys(found.columns, "number"), table=pa.table(arrays))


def _numbers(column: Any, *, whole: bool) -> pa.Array:
    """A column as it came; ids that are whole numbers are shown as such."""
    values = np.ascontiguousarray(column)
    exact = whole and bool((np.abs(values) < 2**53).all())
    if exact and (values == np.rint(values)).all():
        return pa.array(values.astype(np.int64))
    return pa.array(values)
