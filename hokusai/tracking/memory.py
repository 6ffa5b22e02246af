import math
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from enum import Enum
from pathlib import Path

from hokusai.tracking.base import (
    MODELS_PER_PAGE,
    OPERATION_TAG,
    RUNS_PER_PAGE,
    VERSIONS_PER_PAGE,
    ExperimentRecord,
    MetricPoint,
    ModelRecord,
    Page,
    RegisteredVersion,
    RunRecord,
    T,
    TrackingClient,
    TrackingNotFound,
    TrackingRefused,
    TrackingUnavailable,
    VersionPush,
    VersionRecord,
)
from hokusai.tracking.memory_server import MemoryServer, folder_behind

PROMPT_TAG = "mlflow.prompt.is_prompt"
UPLOADS = "hokusai"


class Fault(Enum):
    """How a write goes wrong after the server has committed it."""

    ANSWERS_503 = "The tracking server failed: 503 Service Unavailable"
    DROPS_CONNECTION = "The tracking server does not answer."


class MemoryTracking(TrackingClient):
    """A tracking server inside this process; for tests.

    `server` is what it holds, and takes what engineers do there by themselves. Faults:
    `down = True` is an outage; `fail_after_commit(fault, times)` breaks the next writes after
    they took effect; `come_back_empty()` loses everything.
    """

    def __init__(self) -> None:
        self.down = False
        self.artifacts: dict[str, Path] = {}
        self.server = MemoryServer()
        self._fault, self._faults_left = Fault.ANSWERS_503, 0

    def fail_after_commit(self, fault: Fault, times: int = 1) -> None:
        """Commit the next writes, then answer as the fault says."""
        self._fault, self._faults_left = fault, times

    def come_back_empty(self) -> None:
        """The server lost its database."""
        self.server = MemoryServer()

    @property
    def models(self) -> dict[str, dict[str, str]]:
        """Tags by name."""
        return {name: dict(row.tags) for name, row in self.server.models.items()}

    @property
    def versions(self) -> dict[str, list[VersionRecord]]:
        return self.server.versions

    @property
    def aliases(self) -> dict[tuple[str, str], str]:
        return self.server.aliases

    @property
    def runs(self) -> dict[str, RunRecord]:
        return self.server.runs

    def ensure_model(self, name: str, tags: Mapping[str, str]) -> None:
        with self._commit():
            self.server.make_model(name, tags)

    def find_versions(self, name: str, operation_id: str) -> list[RegisteredVersion]:
        self._answer()
        return [
            _registered(row)
            for row in self.server.versions.get(name, [])
            if row.tags.get(OPERATION_TAG) == operation_id
        ]

    def create_version(self, push: VersionPush) -> RegisteredVersion:
        with self._commit():
            self.server.model(push.name)
            made = self.server.register(
                push.name,
                push.source,
                push.run_id,
                description=push.description,
                tags={**push.tags, OPERATION_TAG: push.operation_id},
            )
        return _registered(made)

    def set_version_tags(self, name: str, version: str, tags: Mapping[str, str]) -> None:
        with self._commit():
            self.server.set_tags(name, version, tags)

    def delete_version_tag(self, name: str, version: str, key: str) -> None:
        with self._commit():
            self.server.delete_tag(name, version, key)

    def set_description(self, name: str, version: str, text: str) -> None:
        with self._commit():
            self.server.describe(name, version, text)

    def describe_model(self, name: str, text: str) -> None:
        with self._commit():
            self.server.describe_model(name, text)

    def log_files(self, operation_id: str, folder: Path) -> tuple[str, str]:
        with self._commit():
            made = [
                run.run_id
                for run in self.server.runs.values()
                if run.tags.get(OPERATION_TAG) == operation_id
            ]
            tags = {OPERATION_TAG: operation_id}
            run_id = made[0] if made else self.server.log_run(UPLOADS, tags=tags)
            source = f"runs:/{run_id}/model"
            self.artifacts[source] = folder
        return source, run_id

    def set_alias(self, name: str, alias: str, version: str) -> None:
        with self._commit():
            self.server.point_alias(name, alias, version)

    def delete_alias(self, name: str, alias: str) -> None:
        with self._commit():
            self.server.drop_alias(name, alias)

    def get_run(self, run_id: str) -> RunRecord:
        self._answer()
        try:
            return _finite(self.server.runs[run_id])
        except KeyError as error:
            raise TrackingNotFound(f"There is no run {run_id}.") from error

    def get_model(self, name: str) -> ModelRecord:
        self._answer()
        return self.server.model(name)

    def get_version(self, name: str, version: str) -> VersionRecord:
        self._answer()
        return self.server.version(name, version)

    def list_models(
        self, *, page_token: str = "", limit: int = MODELS_PER_PAGE
    ) -> Page[ModelRecord]:
        self._answer()
        rows = [self.server.model(name) for name in self.server.models]
        rows = [row for row in rows if row.tags.get(PROMPT_TAG) != "true"]
        return _page(sorted(rows, key=lambda row: -row.updated_at_ms), page_token, limit)

    def list_versions(
        self, *, name: str = "", page_token: str = "", limit: int = VERSIONS_PER_PAGE
    ) -> Page[VersionRecord]:
        self._answer()
        held = self.server.versions
        names: Iterable[str] = [name] if name else held
        rows = [row for key in names for row in held.get(key, [])]
        rows = [row for row in rows if row.tags.get(PROMPT_TAG) != "true"]
        return _page(sorted(rows, key=lambda row: -row.updated_at_ms), page_token, limit)

    def list_experiments(
        self, *, updated_after_ms: int = 0, page_token: str = ""
    ) -> Page[ExperimentRecord]:
        self._answer()
        rows = [
            row for row in self.server.experiments.values() if row.updated_at_ms >= updated_after_ms
        ]
        return _page(sorted(rows, key=lambda row: -row.updated_at_ms), page_token, RUNS_PER_PAGE)

    def list_runs(
        self,
        experiment_ids: Sequence[str],
        *,
        started_after_ms: int = 0,
        run_ids: Sequence[str] = (),
        page_token: str = "",
        limit: int = RUNS_PER_PAGE,
    ) -> Page[RunRecord]:
        self._answer()
        rows = [
            _finite(row)
            for row in self.server.runs.values()
            if row.experiment_id in experiment_ids
            and row.started_at_ms >= started_after_ms
            and (not run_ids or row.run_id in run_ids)
        ]
        return _page(sorted(rows, key=lambda row: -row.started_at_ms), page_token, limit)

    def metric_history(self, run_id: str, metric: str) -> list[MetricPoint]:
        self.get_run(run_id)
        points = self.server.histories.get((run_id, metric), [])
        return sorted(
            (point for point in points if math.isfinite(point.value)),
            key=lambda point: (point.step, point.timestamp_ms),
        )

    def resolve_source(self, source: str) -> tuple[str, str]:
        self._answer()
        if not source.startswith(("runs:/", "models:/")):
            raise TrackingRefused(f"{source!r} names neither a run nor a model.")
        run_id = source.removeprefix("runs:/").split("/")[0] if source.startswith("runs:/") else ""
        return source, run_id

    def download(self, source: str, target: Path) -> Path:
        self._answer()
        return Path(shutil.copytree(folder_behind(self.artifacts, source), target / "model"))

    def _answer(self) -> None:
        if self.down:
            raise TrackingUnavailable(Fault.DROPS_CONNECTION.value)

    @contextmanager
    def _commit(self) -> Iterator[None]:
        """A write: refused in an outage, and lost to the caller after a fault."""
        self._answer()
        yield
        if self._faults_left:
            self._faults_left -= 1
            raise TrackingUnavailable(self._fault.value)


def _registered(row: VersionRecord) -> RegisteredVersion:
    return RegisteredVersion(row.name, row.version, row.source, row.run_id, row.tags)


def _finite(run: RunRecord) -> RunRecord:
    metrics = {name: value for name, value in run.metrics.items() if math.isfinite(value)}
    return replace(run, metrics=metrics)


def _page(rows: list[T], page_token: str, limit: int) -> Page[T]:
    start = int(page_token or 0)
    rest = start + limit < len(rows)
    return Page(rows[start : start + limit], str(start + limit) if rest else "")
