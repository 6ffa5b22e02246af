from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from hokusai.core.errors import OutsideError

Row = Mapping[str, Any]


class ModelError(OutsideError):
    """The model itself failed on these rows; the platform works."""

    code = "model_error"


class DeployRefused(OutsideError):
    """The provider will not serve this version, however often it is asked."""

    code = "deploy_refused"


class Capability(StrEnum):
    """What not every provider can do."""

    # The provider tells the digest of the bytes that it loaded.
    PROVES_DIGEST = "proves_digest"
    # A revision is served on this installation's own machines.
    LOCAL = "local"


class Phase(StrEnum):
    """How far a revision is with a provider."""

    PENDING = "pending"
    RUNNING = "running"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ServeSpec:
    """One revision to be served. `tree_digest` is the only name of its bytes.

    `converted_digest`: of an ONNX model made from them and found exact, else empty.
    `latency_budget_ms`: how long a request may wait to be answered with others; `idle_s`: after
    how long without a request the process may end, 0 for never.
    """

    revision_id: str
    project: str
    tree_digest: str
    memory_bytes: int
    converted_digest: str = ""
    latency_budget_ms: float = 0.0
    idle_s: int = 0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a revision answers; `handle` means something to its provider alone."""

    handle: str
    ready: bool


@dataclass(frozen=True, slots=True)
class ProviderState:
    """What a provider says of an endpoint; `digest` is empty where it does not tell."""

    phase: Phase
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Prediction:
    """One answer: a dict by output column for each row, and how long the model took (ms)."""

    outputs: list[dict[str, Any]]
    model_ms: float


class DeploymentProvider(ABC):
    """A place that serves models.

    Every implementation passes tests/deployments/providers/test_contract.py. Every method raises
    OutsideUnavailable when the same call may work later.
    """

    capabilities: ClassVar[frozenset[Capability]] = frozenset()

    @abstractmethod
    def deploy(self, spec: ServeSpec, *, timeout_s: float) -> Endpoint:
        """Start serving. Idempotent by revision id.

        Raises DeployRefused where the bytes or their format are refused.
        """

    @abstractmethod
    def status(self, handle: str, *, timeout_s: float) -> ProviderState:
        """How an endpoint is; UNKNOWN for one that is not there."""

    @abstractmethod
    def serving(self, *, timeout_s: float) -> frozenset[str]:
        """Ids of all revisions that this provider serves now."""

    @abstractmethod
    def predict(self, handle: str, rows: Sequence[Row], *, deadline_s: float) -> Prediction:
        """Outputs for at least one row.

        Raises InvalidInput (`row`, `column` in its context), ModelError, or OutsideUnavailable
        where nothing serves at this handle.
        """

    @abstractmethod
    def stop(self, revision_id: str, *, timeout_s: float) -> None:
        """Stop serving. Stopping an unknown revision does nothing."""
