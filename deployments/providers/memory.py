import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from deployments.providers.base import (
    Block,
    Capability,
    DeploymentProvider,
    Endpoint,
    MatrixPrediction,
    Phase,
    Prediction,
    ProviderHealth,
    ProviderState,
    ReplicaStats,
    Row,
    ServeSpec,
)
from deployments.providers.errors import (
    InvalidInput,
    ModelError,
    ModelTooSlow,
    ProviderNotFound,
)

RowModel = Callable[[Row], dict[str, Any]]
PREDICTION = "prediction"
FAULTS = (ArithmeticError, LookupError, TypeError, ValueError)
T = TypeVar("T")


def row_sum(row: Row) -> dict[str, Any]:
    """A regression whose coefficients are all 1: its prediction is the sum of the row."""
    return {PREDICTION: math.fsum(row.values())}


class MemoryProvider(DeploymentProvider):
    """Serves in this very process, without files: the twin that tests use.

    `models` names a function of one row for a tree digest; any other digest is `row_sum`.
    """

    capabilities = frozenset(
        {
            Capability.PROVES_DIGEST,
            Capability.STANDBY,
            Capability.MATRIX,
            Capability.STATS,
        }
    )

    def __init__(self, *, models: Mapping[str, RowModel] | None = None) -> None:
        self.models = dict(models or {})
        self.served: dict[str, ServeSpec] = {}
        self.asked: dict[str, int] = {}

    def health(self, *, timeout_s: float) -> ProviderHealth:
        return ProviderHealth(formats=("onnx", "skops", "pyfunc"))

    def deploy(self, spec: ServeSpec, *, timeout_s: float) -> Endpoint:
        self.served[spec.revision_id] = spec
        return Endpoint(handle=f"memory:{spec.revision_id}", ready=True)

    def status(self, handle: str, *, timeout_s: float) -> ProviderState:
        spec = self.served.get(_revision(handle))
        if spec is None:
            return ProviderState(Phase.UNKNOWN)
        return ProviderState(Phase.RUNNING, spec.tree_digest, spec.converted_digest)

    def serving(self, *, timeout_s: float) -> frozenset[str]:
        return frozenset(self.served)

    def predict(
        self, handle: str, rows: Sequence[Row], *, deadline_s: float, request_id: str = ""
    ) -> Prediction:
        model = self._model(handle)
        if not rows:
            raise InvalidInput("Give a list of at least one row.")
        for number, row in enumerate(rows):
            _require_numbers(number, row)
        outputs, model_ms = _timed(lambda: [model(row) for row in rows], deadline_s)
        return Prediction(outputs, model_ms)

    def predict_matrix(
        self,
        handle: str,
        columns: Sequence[str],
        block: Block,
        *,
        deadline_s: float,
        request_id: str = "",
    ) -> MatrixPrediction:
        model = self._model(handle)
        numbers = memoryview(block).cast("B").cast("d")
        width = len(columns)
        if not width or not len(numbers) or len(numbers) % width:
            raise InvalidInput("Give at least one row, and a value for each column.")
        rows = [
            dict(zip(columns, numbers[start : start + width], strict=True))
            for start in range(0, len(numbers), width)
        ]
        outputs, model_ms = _timed(lambda: [model(row)[PREDICTION] for row in rows], deadline_s)
        values = memoryview(_doubles(outputs)).cast("d", (len(rows), 1))
        return MatrixPrediction((PREDICTION,), (), "regression", values, model_ms)

    def stop(self, revision_id: str, *, timeout_s: float) -> None:
        self.served.pop(revision_id, None)
        self.asked.pop(revision_id, None)

    def stats(self, *, timeout_s: float) -> list[ReplicaStats]:
        return [
            ReplicaStats(revision_id, Phase.RUNNING, requests=self.asked.get(revision_id, 0))
            for revision_id in self.served
        ]

    def _model(self, handle: str) -> RowModel:
        revision_id = _revision(handle)
        spec = self.served.get(revision_id)
        if spec is None:
            raise ProviderNotFound("This version is not being served at the moment.")
        self.asked[revision_id] = self.asked.get(revision_id, 0) + 1
        return self.models.get(spec.tree_digest, row_sum)


def _revision(handle: str) -> str:
    return handle.removeprefix("memory:")


def _timed(model: Callable[[], T], deadline_s: float) -> tuple[T, float]:
    """What the model gives, and its time (ms). Raises ModelError or ModelTooSlow."""
    began = time.perf_counter()
    try:
        outputs = model()
    except FAULTS as error:
        name = type(error).__name__
        raise ModelError(
            f"The model raised {name}.", cause="model_raised", exception=name
        ) from error
    took_s = time.perf_counter() - began
    if took_s > deadline_s:
        raise ModelTooSlow(
            f"The model did not answer within {deadline_s:g} s.",
            cause="model_timeout",
            deadline_s=deadline_s,
        )
    return outputs, took_s * 1e3


def _doubles(values: Sequence[float]) -> bytes:
    block = memoryview(bytearray(8 * len(values))).cast("d")
    for position, value in enumerate(values):
        block[position] = value
    return block.tobytes()


def _require_numbers(number: int, row: Row) -> None:
    for column, value in row.items():
        if type(value) not in (int, float):
            raise InvalidInput(
                f"Row {number}, column {column!r}: a number is needed.", row=number, column=column
            )
