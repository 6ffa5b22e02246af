import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from deployments.providers.base import (
    Capability,
    DeploymentProvider,
    Endpoint,
    Phase,
    Prediction,
    ProviderState,
    Row,
    ServeSpec,
)
from hokusai.core.errors import InvalidInput, OutsideUnavailable

RowModel = Callable[[Row], dict[str, Any]]


def row_sum(row: Row) -> dict[str, Any]:
    """A regression whose coefficients are all 1: its prediction is the sum of the row."""
    return {"prediction": math.fsum(row.values())}


class MemoryProvider(DeploymentProvider):
    """Serves in this very process, without files: the twin that tests use.

    `models` names a function of one row for a tree digest; any other digest is `row_sum`.
    """

    capabilities = frozenset({Capability.PROVES_DIGEST})

    def __init__(self, *, models: Mapping[str, RowModel] | None = None) -> None:
        self.models = dict(models or {})
        self.served: dict[str, ServeSpec] = {}

    def deploy(self, spec: ServeSpec, *, timeout_s: float) -> Endpoint:
        self.served[spec.revision_id] = spec
        return Endpoint(handle=f"memory:{spec.revision_id}", ready=True)

    def status(self, handle: str, *, timeout_s: float) -> ProviderState:
        spec = self.served.get(_revision(handle))
        if spec is None:
            return ProviderState(Phase.UNKNOWN)
        return ProviderState(Phase.RUNNING, spec.tree_digest)

    def serving(self, *, timeout_s: float) -> frozenset[str]:
        return frozenset(self.served)

    def predict(self, handle: str, rows: Sequence[Row], *, deadline_s: float) -> Prediction:
        spec = self.served.get(_revision(handle))
        if spec is None:
            raise OutsideUnavailable("This version is not being served at the moment.")
        if not rows:
            raise InvalidInput("Give a list of at least one row.")
        for number, row in enumerate(rows):
            _require_numbers(number, row)
        model = self.models.get(spec.tree_digest, row_sum)
        return Prediction([model(row) for row in rows], model_ms=0.0)

    def stop(self, revision_id: str, *, timeout_s: float) -> None:
        self.served.pop(revision_id, None)


def _revision(handle: str) -> str:
    return handle.removeprefix("memory:")


def _require_numbers(number: int, row: Row) -> None:
    for column, value in row.items():
        if type(value) not in (int, float):
            raise InvalidInput(
                f"Row {number}, column {column!r}: a number is needed.", row=number, column=column
            )
