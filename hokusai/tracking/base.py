from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from hokusai.core.errors import OutsideError, OutsideUnavailable

OPERATION_TAG = "hokusai.op"
# MLflow takes as long for 10,000 versions in pages of 2,000 (1 s each) as in one of 10,000;
# pages of 500 cost a quarter more. Short calls stay inside the timeout of a busy server.
MODELS_PER_PAGE, VERSIONS_PER_PAGE, RUNS_PER_PAGE = 1_000, 2_000, 1_000

T = TypeVar("T")


class TrackingUnavailable(OutsideUnavailable):
    """The tracking server did not answer; the same call may work later."""

    code = "tracking_unavailable"


class TrackingRefused(OutsideError):
    """The tracking server answered that it will not do this."""

    code = "tracking_refused"


class TrackingNotFound(TrackingRefused):
    """The tracking server does not know this run, model or file."""

    code = "tracking_not_found"


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list; `next_token` is empty on the last one.

    A token is an offset: what changes while pages are read may be seen twice or not at all.
    """

    items: list[T]
    next_token: str = ""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What the tracking server says of a run. Metrics are the latest values, finite ones only."""

    run_id: str
    metrics: Mapping[str, float]
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    experiment_id: str = ""
    name: str = ""
    status: str = "FINISHED"
    user: str = ""
    started_at_ms: int = 0
    ended_at_ms: int | None = None
    lifecycle: str = "active"


@dataclass(frozen=True, slots=True)
class ExperimentRecord:
    """An experiment; `lifecycle` is active or deleted. Its runs do not move `updated_at_ms`."""

    experiment_id: str
    name: str
    lifecycle: str
    tags: Mapping[str, str]
    created_at_ms: int
    updated_at_ms: int


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """One value of a metric; the value is finite."""

    step: int
    timestamp_ms: int
    value: float


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A registered model. Tags and aliases change without moving `updated_at_ms`."""

    name: str
    description: str
    tags: Mapping[str, str]
    aliases: Mapping[str, str]
    created_at_ms: int
    updated_at_ms: int


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """A version of a registered model, without its aliases: the model has them."""

    name: str
    version: str
    source: str
    run_id: str
    logged_model_id: str
    description: str
    tags: Mapping[str, str]
    status: str
    created_at_ms: int
    updated_at_ms: int


@dataclass(frozen=True, slots=True)
class VersionPush:
    """A model version to be made on the tracking server."""

    name: str
    source: str
    run_id: str
    operation_id: str
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    """A model version as the tracking server holds it."""

    name: str
    version: str
    source: str
    run_id: str
    tags: Mapping[str, str]


class TrackingReader(ABC):
    """What is read from the tracking server. Prompts, which it keeps as models, are left out."""

    @abstractmethod
    def list_models(
        self, *, page_token: str = "", limit: int = MODELS_PER_PAGE
    ) -> Page[ModelRecord]:
        """Registered models, the last updated first; at most 1,000 a page."""

    @abstractmethod
    def list_versions(
        self, *, name: str = "", page_token: str = "", limit: int = VERSIONS_PER_PAGE
    ) -> Page[VersionRecord]:
        """Versions of one model, or of all, the last updated first; at most 200,000 a page."""

    @abstractmethod
    def list_experiments(
        self, *, updated_after_ms: int = 0, page_token: str = ""
    ) -> Page[ExperimentRecord]:
        """Experiments updated at or after a time, deleted ones too, the last updated first."""

    @abstractmethod
    def list_runs(
        self,
        experiment_ids: Sequence[str],
        *,
        started_after_ms: int = 0,
        run_ids: Sequence[str] = (),
        page_token: str = "",
        limit: int = RUNS_PER_PAGE,
    ) -> Page[RunRecord]:
        """Runs of these experiments started at or after a time, deleted ones too, latest first.

        `run_ids`, where given, keeps these alone. No experiments: no runs.
        """

    @abstractmethod
    def metric_history(self, run_id: str, metric: str) -> list[MetricPoint]:
        """All finite values of a run's metric, by step; none for a metric that the run lacks.

        Raises TrackingNotFound for an unknown run.
        """

    @abstractmethod
    def get_model(self, name: str) -> ModelRecord:
        """A registered model with its aliases. Raises TrackingNotFound."""

    @abstractmethod
    def get_version(self, name: str, version: str) -> VersionRecord:
        """A version of a registered model. Raises TrackingNotFound."""

    @abstractmethod
    def get_run(self, run_id: str) -> RunRecord:
        """A run's latest metrics, parameters and tags. Raises TrackingNotFound."""


class TrackingClient(TrackingReader):
    """The tracking server as the platform uses it. No call retries by itself.

    Each call ends within the client's timeout. Raises TrackingUnavailable when the same call may
    work later, else TrackingRefused.
    Every implementation passes tests/hokusai/tracking/test_contract.py.
    """

    @abstractmethod
    def ensure_model(self, name: str, tags: Mapping[str, str]) -> None:
        """Make a registered model where it is absent; set its tags."""

    @abstractmethod
    def find_versions(self, name: str, operation_id: str) -> list[RegisteredVersion]:
        """Versions of a model that carry an operation id, lowest first."""

    @abstractmethod
    def create_version(self, push: VersionPush) -> RegisteredVersion:
        """Make a version. Not idempotent: look with `find_versions` first."""

    @abstractmethod
    def set_version_tags(self, name: str, version: str, tags: Mapping[str, str]) -> None:
        """Set tags of a version; others stay."""

    @abstractmethod
    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Let an alias name this version, and no other."""

    @abstractmethod
    def delete_alias(self, name: str, alias: str) -> None:
        """Remove an alias; removing an unknown one does nothing."""

    @abstractmethod
    def delete_version_tag(self, name: str, version: str, key: str) -> None:
        """Remove a tag of a version; removing an unknown one does nothing."""

    @abstractmethod
    def set_description(self, name: str, version: str, text: str) -> None:
        """Set the description of a version."""

    @abstractmethod
    def describe_model(self, name: str, text: str) -> None:
        """Set the description of a registered model."""

    @abstractmethod
    def log_files(self, operation_id: str, folder: Path) -> tuple[str, str]:
        """Keep files as a run's artifacts: (address that versions accept, run id).

        The run carries the operation id: logging again goes on in the same run.
        """

    @abstractmethod
    def resolve_source(self, source: str) -> tuple[str, str]:
        """What a `runs:/` or `models:/` address names: (address that versions accept, run id)."""

    @abstractmethod
    def download(self, source: str, target: Path) -> Path:
        """Copy the files behind an address into a folder; the folder that holds them."""
