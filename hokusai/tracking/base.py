from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hokusai.core.errors import OutsideError, OutsideUnavailable

OPERATION_TAG = "hokusai.op"


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
class RunRecord:
    """What the tracking server says of a run."""

    run_id: str
    metrics: Mapping[str, float]
    parameters: Mapping[str, str]
    tags: Mapping[str, str]


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


class TrackingClient(ABC):
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
    def get_run(self, run_id: str) -> RunRecord:
        """A run's latest metrics, parameters and tags. Raises TrackingNotFound."""

    @abstractmethod
    def resolve_source(self, source: str) -> tuple[str, str]:
        """What a `runs:/` or `models:/` address names: (address that versions accept, run id)."""

    @abstractmethod
    def download(self, source: str, target: Path) -> Path:
        """Copy the files behind an address into a folder; the folder that holds them."""
