"""Asks the live revision, and once more where that may help."""

import time
from collections.abc import Callable
from typing import Any, Final

import orjson

from deployments import endpoints, watch
from deployments.endpoints import Target
from deployments.predictions.table import Table
from deployments.providers import Capability, MatrixPrediction, providers
from deployments.providers.errors import ModelError, NotReady, ProviderNotFound, ProviderTimeout

Reload = Callable[[], Target | None]
# For so long a request waits for a process that says when it will be back.
WAIT_S: Final = 1.0
# Less than this is no time to ask anybody.
LEAST_S: Final = 0.0005


def ask(
    target: Target, table: Table, reload: Reload, until: float, request_id: str
) -> tuple[Target, bytes, float]:
    """Which revision answered, its outputs as JSON, and how long the model took (ms).

    `until`: `time.perf_counter()` at which the answer must be there. An endpoint that nobody
    knows any more is served again once: by then another revision may be live.
    Raises InvalidInput (`row`, `column`), ModelError, NotReady, ProviderTimeout and other
    OutsideErrors.
    """
    try:
        return target, *_patiently(target, target.handle, table, until, request_id)
    except ProviderNotFound:
        fresh = endpoints.require_live(reload())
        handle = watch.serve_again(fresh)
    return fresh, *_patiently(fresh, handle, table, until, request_id)


def _patiently(
    target: Target, handle: str, table: Table, until: float, request_id: str
) -> tuple[bytes, float]:
    try:
        return _predict(target, handle, table, until, request_id)
    except NotReady as error:
        wait_s = float(error.context.get("retry_after_s", WAIT_S + 1))
        if wait_s > WAIT_S or time.perf_counter() + wait_s > until:
            raise
        time.sleep(wait_s)
    return _predict(target, handle, table, until, request_id)


def _predict(
    target: Target, handle: str, table: Table, until: float, request_id: str
) -> tuple[bytes, float]:
    provider = providers[target.provider]
    left_s = until - time.perf_counter()
    if left_s < LEAST_S:
        raise ProviderTimeout("The deadline passed before the model was asked.")
    if table.block is not None and Capability.MATRIX in provider.capabilities:
        found = provider.predict_matrix(
            handle, table.columns, table.block, deadline_s=left_s, request_id=request_id
        )
        return orjson.dumps(records(found)), found.model_ms
    answered = provider.predict(handle, table.as_rows(), deadline_s=left_s, request_id=request_id)
    return orjson.dumps(answered.outputs), answered.model_ms


def records(found: MatrixPrediction) -> list[dict[str, Any]]:
    """One dict by output column for each row; a classification's position becomes its label."""
    columns = found.columns
    # A memoryview of two dimensions gives nested lists, which its type does not say.
    rows: Any = found.values.tolist()
    given = [dict(zip(columns, row, strict=True)) for row in rows]
    if found.task == "classification":
        classes, first = found.classes, columns[0]
        for record in given:
            record[first] = _label(record[first], classes)
    return given


def _label(position: float, classes: tuple[Any, ...]) -> Any:
    # The sender ran foreign code: NaN, fractions and positions outside are possible.
    if not (0 <= position < len(classes) and position.is_integer()):
        raise ModelError("The model named a class that it did not state.", cause="output_contract")
    return classes[int(position)]
