import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from hokusai.tracking.base import (
    OPERATION_TAG,
    RegisteredVersion,
    RunRecord,
    TrackingClient,
    TrackingNotFound,
    TrackingRefused,
    TrackingUnavailable,
    VersionPush,
)


class MemoryTracking(TrackingClient):
    """A tracking server inside this process; for tests. `down = True` is an outage."""

    def __init__(self) -> None:
        self.down = False
        self.models: dict[str, dict[str, str]] = {}
        self.versions: dict[str, list[RegisteredVersion]] = {}
        self.aliases: dict[tuple[str, str], str] = {}
        self.runs: dict[str, RunRecord] = {}
        self.artifacts: dict[str, Path] = {}

    def ensure_model(self, name: str, tags: Mapping[str, str]) -> None:
        self._answer()
        self.models.setdefault(name, {}).update(tags)

    def find_versions(self, name: str, operation_id: str) -> list[RegisteredVersion]:
        self._answer()
        return [
            version
            for version in self.versions.get(name, [])
            if version.tags.get(OPERATION_TAG) == operation_id
        ]

    def create_version(self, push: VersionPush) -> RegisteredVersion:
        self._answer()
        if push.name not in self.models:
            raise TrackingNotFound(f"There is no registered model {push.name}.")
        rows = self.versions.setdefault(push.name, [])
        version = RegisteredVersion(
            name=push.name,
            version=str(len(rows) + 1),
            source=push.source,
            run_id=push.run_id,
            tags={**push.tags, OPERATION_TAG: push.operation_id},
        )
        rows.append(version)
        return version

    def set_version_tags(self, name: str, version: str, tags: Mapping[str, str]) -> None:
        self._answer()
        rows = self.versions.get(name, [])
        index = self._index(rows, version)
        rows[index] = replace(rows[index], tags={**rows[index].tags, **tags})

    def set_alias(self, name: str, alias: str, version: str) -> None:
        self._answer()
        self._index(self.versions.get(name, []), version)
        self.aliases[name, alias] = version

    def delete_alias(self, name: str, alias: str) -> None:
        self._answer()
        self.aliases.pop((name, alias), None)

    def get_run(self, run_id: str) -> RunRecord:
        self._answer()
        try:
            return self.runs[run_id]
        except KeyError as error:
            raise TrackingNotFound(f"There is no run {run_id}.") from error

    def resolve_source(self, source: str) -> tuple[str, str]:
        self._answer()
        if not source.startswith(("runs:/", "models:/")):
            raise TrackingRefused(f"{source!r} names neither a run nor a model.")
        run_id = source.removeprefix("runs:/").split("/")[0] if source.startswith("runs:/") else ""
        return source, run_id

    def download(self, source: str, target: Path) -> Path:
        self._answer()
        if source not in self.artifacts:
            raise TrackingNotFound(f"There are no files behind {source}.")
        return Path(shutil.copytree(self.artifacts[source], target / "model"))

    def _answer(self) -> None:
        if self.down:
            raise TrackingUnavailable("The tracking server does not answer.")

    @staticmethod
    def _index(rows: list[RegisteredVersion], version: str) -> int:
        for index, row in enumerate(rows):
            if row.version == version:
                return index
        raise TrackingNotFound(f"There is no version {version}.")
