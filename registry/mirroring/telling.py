"""Saying what a look at a tracking server found, so that versions are brought in step."""

from typing import Any

from hokusai.core.events import SYSTEM, record
from registry.mirroring.missing import Absence
from registry.mirroring.rows import Taken
from registry.models import Model, ModelVersion


def tell_of(taken: Taken, lost: Absence) -> None:
    """Record what is to be brought in step, and what is missing."""
    for version in _versions(taken.changed | set(lost.back)):
        _record("tracked-version:changed", version)
    for version in _versions(set(lost.gone)):
        _record("tracked-version:missing", version)
    for model in Model.objects.filter(pk__in=taken.described):
        record(
            "tracked-model:changed",
            subject=model.public_id,
            actor=SYSTEM,
            project_id=model.project_id,
            label=model.model_id,
        )


def _versions(keys: set[int]) -> Any:
    return ModelVersion.objects.with_names().filter(pk__in=keys).order_by("pk")


def _record(tag: str, version: ModelVersion) -> None:
    record(
        tag,
        subject=version.public_id,
        actor=SYSTEM,
        project_id=version.project_id,
        label=str(version),
        after={"mlflow": f"{version.mlflow_name} {version.mlflow_version}"},
    )
