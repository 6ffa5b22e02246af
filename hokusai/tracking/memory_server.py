"""What a tracking server holds, inside this process; it behaves as MLflow 3.17 was seen to.

Its methods are what an engineer does with plain MLflow, past every client of ours.
"""

import secrets
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from hokusai.tracking.base import (
    ExperimentRecord,
    MetricPoint,
    ModelRecord,
    RunRecord,
    TrackingNotFound,
    VersionRecord,
)

ACTIVE, DELETED = "active", "deleted"
Tags = Mapping[str, str]


class MemoryServer:
    """Experiments, runs, registered models and their versions. Numbers begin at 1 per model,
    are not used again after a version's deletion, and begin anew with a model made again.
    """

    def __init__(self) -> None:
        self.experiments: dict[str, ExperimentRecord] = {}
        self.runs: dict[str, RunRecord] = {}
        self.histories: dict[tuple[str, str], list[MetricPoint]] = {}
        self.models: dict[str, ModelRecord] = {}
        self.versions: dict[str, list[VersionRecord]] = {}
        self.aliases: dict[tuple[str, str], str] = {}
        self._highest: dict[str, int] = {}
        self._last_ms = 0

    def now_ms(self) -> int:
        """The time; no two calls see the same, so that orders are certain."""
        self._last_ms = max(self._last_ms + 1, time.time_ns() // 1_000_000)
        return self._last_ms

    def make_experiment(self, name: str, tags: Tags | None = None) -> str:
        """An active experiment; its id."""
        identifier, now = str(len(self.experiments) + 1), self.now_ms()
        self.experiments[identifier] = ExperimentRecord(
            identifier, name, ACTIVE, dict(tags or {}), now, now
        )
        return identifier

    def rename_experiment(self, experiment_id: str, name: str) -> None:
        self._change_experiment(experiment_id, name=name)

    def delete_experiment(self, experiment_id: str) -> None:
        """Its runs are deleted with it."""
        self._change_experiment(experiment_id, lifecycle=DELETED)
        for run in list(self.runs.values()):
            if run.experiment_id == experiment_id:
                self.change_run(run.run_id, lifecycle=DELETED)

    def _change_experiment(self, experiment_id: str, **changes: str) -> None:
        row = self.experiments[experiment_id]
        self.experiments[experiment_id] = replace(
            row,
            updated_at_ms=self.now_ms(),
            **changes,  # type: ignore[arg-type]
        )

    def log_run(
        self,
        experiment_id: str,
        *,
        metrics: Mapping[str, float] | None = None,
        parameters: Tags | None = None,
        **facts: object,
    ) -> str:
        """A run, finished unless `status` says otherwise; its id. `facts` are RunRecord's."""
        run_id, now = secrets.token_hex(16), self.now_ms()
        row = RunRecord(
            run_id, {}, dict(parameters or {}), {}, experiment_id, f"run-{run_id[:6]}", user="ann"
        )
        row = replace(row, started_at_ms=now)
        if facts.get("status", "FINISHED") != "RUNNING":
            row = replace(row, ended_at_ms=now)
        self.runs[run_id] = replace(row, **facts)  # type: ignore[arg-type]
        for name, value in (metrics or {}).items():
            self.log_metric(run_id, name, value)
        return run_id

    def log_metric(self, run_id: str, name: str, value: float, step: int = 0) -> None:
        """Add a point to a metric; MLflow takes it from finished runs too."""
        self.histories.setdefault((run_id, name), []).append(
            MetricPoint(step, self.now_ms(), value)
        )
        run = self.runs[run_id]
        self.runs[run_id] = replace(run, metrics={**run.metrics, name: value})

    def change_run(self, run_id: str, **facts: object) -> None:
        """Set fields of a run, as finishing, tagging or deleting it does."""
        self.runs[run_id] = replace(self.runs[run_id], **facts)  # type: ignore[arg-type]

    def make_model(self, name: str, tags: Tags | None = None, description: str = "") -> None:
        """A registered model where it is absent; its tags are set, others stay."""
        now = self.now_ms()
        row = self.models.get(name) or ModelRecord(name, description, {}, {}, now, now)
        self.models[name] = replace(row, tags={**row.tags, **(tags or {})})

    def register(self, name: str, source: str, run_id: str = "", **facts: object) -> VersionRecord:
        """A version, and its model where that is absent. `facts` are VersionRecord's."""
        self.make_model(name)
        now, number = self.now_ms(), self._highest.get(name, 0) + 1
        self._highest[name] = number
        logged = source.removeprefix("models:/") if source.startswith("models:/m-") else ""
        row = VersionRecord(name, str(number), source, run_id, logged, "", {}, "READY", now, now)
        row = replace(row, **facts)  # type: ignore[arg-type]
        self.versions.setdefault(name, []).append(row)
        self._touch_model(name)
        return row

    def tag_version(self, name: str, version: str, **tags: str) -> None:
        self.set_tags(name, version, tags)

    def set_tags(self, name: str, version: str, tags: Tags) -> None:
        row = self.version(name, version)
        self._replace(row, replace(row, tags={**row.tags, **tags}))

    def delete_tag(self, name: str, version: str, key: str) -> None:
        row = self.version(name, version)
        self._replace(row, replace(row, tags={k: v for k, v in row.tags.items() if k != key}))

    def describe(self, name: str, version: str, text: str) -> None:
        row = self.version(name, version)
        self._replace(row, replace(row, description=text, updated_at_ms=self.now_ms()))

    def describe_model(self, name: str, text: str) -> None:
        self.models[name] = replace(self.model(name), description=text)
        self._touch_model(name)

    def point_alias(self, name: str, alias: str, version: str) -> None:
        self.version(name, version)
        self.aliases[name, alias] = version

    def drop_alias(self, name: str, alias: str) -> None:
        self.aliases.pop((name, alias), None)

    def delete_version(self, name: str, version: str) -> None:
        """Its aliases go with it; its number is not given again."""
        self.versions[name].remove(self.version(name, version))
        for key in [k for k, v in self.aliases.items() if k[0] == name and v == version]:
            del self.aliases[key]
        self._touch_model(name)

    def delete_model(self, name: str) -> None:
        """With all versions; a model made under this name again counts from 1."""
        del self.models[name]
        self.versions.pop(name, None)
        self._highest.pop(name, None)
        self.aliases = {k: v for k, v in self.aliases.items() if k[0] != name}

    def rename_model(self, name: str, new_name: str) -> None:
        """Versions take the new name and a new time of change."""
        now, row = self.now_ms(), self.models.pop(name)
        self.models[new_name] = replace(row, name=new_name, updated_at_ms=now)
        self.versions[new_name] = [
            replace(version, name=new_name, updated_at_ms=now)
            for version in self.versions.pop(name, [])
        ]
        self._highest[new_name] = self._highest.pop(name, 0)
        self.aliases = {
            (new_name if k[0] == name else k[0], k[1]): v for k, v in self.aliases.items()
        }

    def model(self, name: str) -> ModelRecord:
        """A model with its aliases. Raises TrackingNotFound."""
        try:
            row = self.models[name]
        except KeyError as error:
            raise TrackingNotFound(f"There is no registered model {name}.") from error
        return replace(row, aliases={k[1]: v for k, v in self.aliases.items() if k[0] == name})

    def version(self, name: str, version: str) -> VersionRecord:
        """A version. Raises TrackingNotFound."""
        for row in self.versions.get(name, []):
            if row.version == version:
                return row
        raise TrackingNotFound(f"There is no version {version} of {name}.")

    def _replace(self, old: VersionRecord, new: VersionRecord) -> None:
        rows = self.versions[old.name]
        rows[rows.index(old)] = new

    def _touch_model(self, name: str) -> None:
        self.models[name] = replace(self.models[name], updated_at_ms=self.now_ms())


def folder_behind(artifacts: Mapping[str, Path], source: str) -> Path:
    """The files that an address names. Raises TrackingNotFound."""
    if source not in artifacts:
        raise TrackingNotFound(f"There are no files behind {source}.")
    return artifacts[source]
