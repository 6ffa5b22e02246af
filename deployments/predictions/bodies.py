"""Reads what a request sent: JSON in two forms here, Arrow and Parquet in isolation."""

import time
from functools import cache
from typing import Any, Final

import orjson
from django.conf import settings

from deployments.predictions import table
from deployments.predictions.table import Table
from deployments.providers.errors import ProviderTimeout
from hokusai.core.errors import InvalidInput, OutsideUnavailable
from hokusai.runner import errors
from hokusai.runner.client import RunnerClient
from hokusai.runner.table_calls import TABLE_DEADLINE_S, TableForm
from hokusai.web.problems import UnsupportedBody

JSON: Final = "application/json"
ARROW_STREAM: Final = "application/vnd.apache.arrow.stream"
ARROW_FILE: Final = "application/vnd.apache.arrow.file"
PARQUET: Final = "application/vnd.apache.parquet"
FORM_BY_TYPE: Final[dict[str, TableForm]] = {
    ARROW_STREAM: "arrow",
    ARROW_FILE: "arrow",
    PARQUET: "parquet",
}
FORMS: Final = 'Give {"rows": [{column: value}]} or {"columns": [name], "data": [[value]]}.'
RETRY_AFTER_S: Final = 2
LEAST_S: Final = 0.001


def read(body: bytes, media_type: str, project: str, until: float) -> Table:
    """The rows of a body. `project`: slug of the project whose reader takes foreign bytes.

    `until`: `time.perf_counter()` at which reading is given up. Raises InvalidInput with row and
    column, UnsupportedBody, OutsideUnavailable, ProviderTimeout.
    """
    if media_type in (JSON, ""):
        return read_json(body)
    form = FORM_BY_TYPE.get(media_type)
    if form is None:
        raise UnsupportedBody(f"Send {JSON}, {', '.join(FORM_BY_TYPE)}.")
    if not body:
        raise InvalidInput("The body is empty.")
    try:
        found = reader(settings.RUNNER_SOCKET).read_table(
            project=project,
            form=form,
            body=body,
            max_rows=settings.PREDICT_MAX_ROWS,
            max_cells=settings.PREDICT_MAX_CELLS,
            deadline_s=min(TABLE_DEADLINE_S, max(LEAST_S, until - time.perf_counter())),
        )
    except errors.InvalidInput as error:
        if time.perf_counter() >= until:
            raise ProviderTimeout("The deadline passed while the table was read.") from error
        raise InvalidInput(error.message, **error.context) from error
    except errors.RunnerError as error:
        raise OutsideUnavailable(error.message, retry_after_s=RETRY_AFTER_S) from error
    return Table(found.rows, found.columns, found.block)


@cache
def reader(socket_path: str) -> RunnerClient:
    """The runner's client; files of others are opened in a child of its own."""
    return RunnerClient(socket_path)


def read_json(body: bytes) -> Table:
    """The rows of a JSON body, in either form. Raises InvalidInput."""
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"The body is no JSON. {FORMS}") from error
    if not isinstance(given, dict):
        raise InvalidInput(FORMS)
    if "rows" in given:
        rows = given["rows"]
        _require_some(rows)
        _require_objects(rows)
        _require_room(len(rows), sum(map(len, rows)))
        return table.of_rows(rows)
    columns, data = given.get("columns"), given.get("data")
    if not isinstance(columns, list) or not isinstance(data, list):
        raise InvalidInput(FORMS)
    _require_some(data)
    _require_names(columns)
    _require_room(len(data), len(data) * len(columns))
    _require_lists(columns, data)
    return table.of_columns(columns, data)


def _require_some(rows: Any) -> None:
    if not isinstance(rows, list) or not rows:
        raise InvalidInput(f"Give at least one row. {FORMS}")


def _require_room(rows: int, cells: int) -> None:
    if rows > settings.PREDICT_MAX_ROWS:
        raise InvalidInput(f"Give at most {settings.PREDICT_MAX_ROWS} rows at once.", rows=rows)
    if cells > settings.PREDICT_MAX_CELLS:
        raise InvalidInput(
            f"Give at most {settings.PREDICT_MAX_CELLS} values at once.", values=cells
        )


def _require_objects(rows: list[Any]) -> None:
    if set(map(type, rows)) == {dict}:
        return
    number = next(n for n, row in enumerate(rows) if not isinstance(row, dict))
    raise InvalidInput(f"Row {number} is not an object.", row=number)


def _require_names(columns: list[Any]) -> None:
    if set(map(type, columns)) - {str} or len(set(columns)) != len(columns):
        raise InvalidInput("Column names are different strings.")


def _require_lists(columns: list[str], data: list[Any]) -> None:
    width = len(columns)
    if set(map(type, data)) == {list} and set(map(len, data)) == {width}:
        return
    for number, row in enumerate(data):
        if not isinstance(row, list):
            raise InvalidInput(f"Row {number} is not a list.", row=number)
        if len(row) != width:
            raise InvalidInput(
                f"Row {number} has {len(row)} values for {width} columns.",
                row=number,
                column=columns[len(row)] if len(row) < width else None,
            )
