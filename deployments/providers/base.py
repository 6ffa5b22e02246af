from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from deployments.providers.errors import Unsupported

Row = Mapping[str, Any]
# (n, len(columns)) float64, row-major: the bytes of an array.
Block = memoryview | bytes


class Capability(StrEnum):
    """What not every provider can do."""

    # The provider tells the digest of the bytes that it loaded.
    PROVES_DIGEST = "proves_digest"
    # A revision is served on this installation's own machines.
    LOCAL = "local"
    # A revision that is not asked costs next to nothing and is kept for a roll-back.
    STANDBY = "standby"
    SCALES_TO_ZERO = "scales_to_zero"
    # `predict_matrix`.
    MATRIX = "matrix"
    # Requests that come together are answered together.
    BATCHES = "batches"
    # `stats`.
    STATS = "stats"
    # `logs`.
    LOGS = "logs"
    # `pause` and `resume`.
    PAUSES = "pauses"
    # `set_traffic`: several revisions behind one endpoint, by weight.
    TRAFFIC = "traffic"
    # `hourly_cost`.
    COSTS = "costs"


class Phase(StrEnum):
    """How a revision is with a provider."""

    PENDING = "pending"
    PROVISIONING = "provisioning"
    UPDATING = "updating"
    RUNNING = "running"
    # It serves, or will soon, but something keeps failing.
    DEGRADED = "degraded"
    # Nothing runs; the next request starts it.
    SCALED_TO_ZERO = "scaled_to_zero"
    PAUSED = "paused"
    ROLLING_BACK = "rolling_back"
    FAILED = "failed"
    # The last change failed; what served before may still serve.
    UPDATE_FAILED = "update_failed"
    DELETING = "deleting"
    DELETED = "deleted"
    UNKNOWN = "unknown"

    @property
    def answers(self) -> bool:
        """Whether a request would be answered, be it after a start on demand."""
        return self in (Phase.RUNNING, Phase.SCALED_TO_ZERO)


@dataclass(frozen=True, slots=True)
class ServeSpec:
    """One revision to be served. `tree_digest` is the only name of its bytes.

    `converted_digest`: of an ONNX model made from them and found exact, else empty.
    `latency_budget_ms`: how long a request may wait to be answered with others; `idle_s`: after
    how long without a request the process may end, 0 for never. `format`: onnx, skops or pyfunc;
    empty where that shows only when it is loaded.
    """

    revision_id: str
    project: str
    tree_digest: str
    memory_bytes: int
    converted_digest: str = ""
    latency_budget_ms: float = 0.0
    idle_s: int = 0
    format: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a revision answers; `handle` means something to its provider alone."""

    handle: str
    ready: bool


@dataclass(frozen=True, slots=True)
class ProviderState:
    """What a provider says of an endpoint; the digests are empty where it does not tell."""

    phase: Phase
    digest: str = ""
    converted_digest: str = ""


@dataclass(frozen=True, slots=True)
class ProviderHealth:
    """What a provider would serve now: `tier` of isolation (A, B, C, or empty) and formats."""

    tier: str = ""
    formats: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prediction:
    """One answer: a dict by output column for each row, and how long the model took (ms)."""

    outputs: list[dict[str, Any]]
    model_ms: float


@dataclass(frozen=True, slots=True)
class MatrixPrediction:
    """One answer in columns. `values`: (n, k) float64, row-major.

    `columns` names what a row of outputs holds; of a classification its first is the position in
    `classes` of the predicted one. `model_ms`: how long the model took.
    """

    columns: tuple[str, ...]
    classes: tuple[str | int | float | bool, ...]
    task: str
    values: "memoryview[float]"
    model_ms: float


@dataclass(frozen=True, slots=True)
class ReplicaStats:
    """One process, or endpoint, of a revision; counts are since it was first served.

    `p50_ms`, `p95_ms`: of the model's time; None before the first request.
    """

    revision_id: str
    phase: Phase
    format: str = ""
    tier: str = ""
    converted: bool = False
    memory_bytes: int = 0
    started_at: float = 0.0
    restarts: int = 0
    last_error: str = ""
    requests: int = 0
    errors: int = 0
    rows: int = 0
    batches: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None


class DeploymentProvider(ABC):
    """A place that serves models.

    Every implementation passes tests/deployments/providers/test_contract.py. Failures are those of
    `deployments.providers.errors`. Every method may raise ProviderUnavailable, ProviderTimeout,
    RateLimited or AuthFailed; one that needs a capability raises Unsupported where that is absent.
    """

    capabilities: ClassVar[frozenset[Capability]] = frozenset()

    def validate(self, spec: ServeSpec, health: ProviderHealth | None) -> list[str]:
        """Why this provider would refuse to serve it, in sentences; calls nobody.

        `health`: what the provider last said of itself; None where that is not known.
        """
        return []

    def health(self, *, timeout_s: float) -> ProviderHealth:
        """What it would serve now."""
        return ProviderHealth()

    @abstractmethod
    def deploy(self, spec: ServeSpec, *, timeout_s: float) -> Endpoint:
        """Start serving. Idempotent by revision id: the endpoint of one that is served.

        Another memory, latency budget or idle time than before takes effect without a gap in its
        answers. Raises InvalidSpec where the bytes or their format are refused, QuotaExceeded.
        """

    @abstractmethod
    def status(self, handle: str, *, timeout_s: float) -> ProviderState:
        """How an endpoint is; UNKNOWN for one that is not there."""

    @abstractmethod
    def serving(self, *, timeout_s: float) -> frozenset[str]:
        """Ids of all revisions that this provider serves now, or starts on demand."""

    @abstractmethod
    def predict(
        self, handle: str, rows: Sequence[Row], *, deadline_s: float, request_id: str = ""
    ) -> Prediction:
        """Outputs for at least one row.

        Raises InvalidInput, ModelError (also where the model ended its process, twice), its
        ModelTooSlow, NotReady, or ProviderNotFound where nothing serves at this handle.
        """

    def predict_matrix(
        self,
        handle: str,
        columns: Sequence[str],
        block: Block,
        *,
        deadline_s: float,
        request_id: str = "",
    ) -> MatrixPrediction:
        """Outputs for at least one row of `block`; raises as `predict` does. Needs MATRIX."""
        raise self._lacks(Capability.MATRIX)

    @abstractmethod
    def stop(self, revision_id: str, *, timeout_s: float) -> None:
        """Stop serving, after the requests under way. Stopping an unknown revision does nothing."""

    def stats(self, *, timeout_s: float) -> list[ReplicaStats]:
        """Every process, or endpoint, that serves a revision. Needs STATS."""
        raise self._lacks(Capability.STATS)

    def logs(self, revision_id: str, *, timeout_s: float) -> str:
        """The last lines that a revision's process wrote. Needs LOGS."""
        raise self._lacks(Capability.LOGS)

    def pause(self, revision_id: str, *, timeout_s: float) -> None:
        """Keep the endpoint without running it. Needs PAUSES."""
        raise self._lacks(Capability.PAUSES)

    def resume(self, revision_id: str, *, timeout_s: float) -> None:
        """Run a paused endpoint again. Needs PAUSES."""
        raise self._lacks(Capability.PAUSES)

    def set_traffic(self, weights: Mapping[str, int], *, timeout_s: float) -> None:
        """Basis points by revision id, summing to 10,000. Needs TRAFFIC."""
        raise self._lacks(Capability.TRAFFIC)

    def hourly_cost(self, spec: ServeSpec, *, timeout_s: float) -> tuple[int, str]:
        """Micro-units and currency of an hour of serving. Needs COSTS."""
        raise self._lacks(Capability.COSTS)

    def _lacks(self, capability: Capability) -> Unsupported:
        return Unsupported(
            f"{type(self).__name__} lacks this: {capability}.", capability=str(capability)
        )
