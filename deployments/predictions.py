"""One prediction: rows in, one body out; for the fast way and for the ordinary view alike."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from django.conf import settings

from deployments import endpoints, watch
from deployments.endpoints import Target
from deployments.providers import Prediction, providers
from hokusai.core.errors import InvalidInput, OutsideUnavailable

MAX_ROWS = 10_000
FORMS = 'Give {"rows": [{column: value}]} or {"columns": [name], "data": [[value]]}.'


@dataclass(frozen=True, slots=True)
class Answer:
    """The JSON of a prediction, and the revision that gave it."""

    body: bytes
    target: Target


def answer(
    target: Target | None,
    body: bytes,
    *,
    reload: Callable[[], Target | None],
    request_id: str,
    began: float,
) -> Answer:
    """A prediction. `began`: `time.perf_counter()` when the request came.

    Raises InvalidInput (with `row` and `column`), NotDeployed, Starting, ModelError,
    OutsideUnavailable.
    """
    live = endpoints.require_live(target)
    rows = read_rows(body)
    live, prediction = predict(live, rows, reload)
    body = orjson.dumps(
        {
            "outputs": prediction.outputs,
            "model_id": live.model_id,
            "version": live.version,
            "digest": live.digest,
            "deployment": live.deployment_id,
            "revision": live.revision_id,
            "request_id": request_id,
            "timings_ms": {
                "model": round(prediction.model_ms, 3),
                "total": round((time.perf_counter() - began) * 1e3, 3),
            },
        }
    )
    return Answer(body, live)


def predict(
    target: Target, rows: list[dict[str, Any]], reload: Callable[[], Target | None]
) -> tuple[Target, Prediction]:
    """Outputs of the live revision, and which one it was.

    A process that is gone is started again once: by then another revision may be live.
    """
    deadline_s = settings.PREDICT_TIMEOUT_S
    try:
        return target, providers[target.provider].predict(
            target.handle, rows, deadline_s=deadline_s
        )
    except OutsideUnavailable:
        fresh = endpoints.require_live(reload())
        handle = watch.serve_again(fresh)
    return fresh, _second_try(fresh, handle, rows, deadline_s)


def _second_try(
    target: Target, handle: str, rows: list[dict[str, Any]], deadline_s: float
) -> Prediction:
    try:
        return providers[target.provider].predict(handle, rows, deadline_s=deadline_s)
    except OutsideUnavailable as error:
        error.context["retry_after_s"] = endpoints.RETRY_AFTER_S
        raise


def read_rows(body: bytes) -> list[dict[str, Any]]:
    """The rows of a request, in either form; their values are the model's to judge.

    Raises InvalidInput.
    """
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"The body is no JSON. {FORMS}") from error
    if not isinstance(given, dict):
        raise InvalidInput(FORMS)
    rows = given["rows"] if "rows" in given else _from_columns(given)
    if not isinstance(rows, list) or not rows:
        raise InvalidInput(f"Give at least one row. {FORMS}")
    if len(rows) > MAX_ROWS:
        raise InvalidInput(f"Give at most {MAX_ROWS} rows at once.", rows=len(rows))
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise InvalidInput(f"Row {number} is not an object.", row=number)
    return rows


def _from_columns(given: dict[str, Any]) -> list[dict[str, Any]]:
    columns, data = given.get("columns"), given.get("data")
    if not isinstance(columns, list) or not isinstance(data, list):
        raise InvalidInput(FORMS)
    if not all(isinstance(name, str) for name in columns) or len(set(columns)) != len(columns):
        raise InvalidInput("Column names are different strings.")
    return [_named(number, columns, row) for number, row in enumerate(data)]


def _named(number: int, columns: list[str], row: object) -> dict[str, Any]:
    if not isinstance(row, list):
        raise InvalidInput(f"Row {number} is not a list.", row=number)
    if len(row) != len(columns):
        column = columns[len(row)] if len(row) < len(columns) else None
        raise InvalidInput(
            f"Row {number} has {len(row)} values for {len(columns)} columns.",
            row=number,
            column=column,
        )
    return dict(zip(columns, row, strict=True))
