"""Copying an artifact into the content store: bytes are loaded from there and from nowhere else."""

import math
import tempfile
from pathlib import Path
from typing import Any

import yaml

from hokusai.core import leases
from hokusai.core.errors import NotFound
from hokusai.core.events import SYSTEM, record
from hokusai.core.jobs import Work
from hokusai.core.models import Job
from hokusai.storage import stores
from hokusai.storage.trees import Manifest
from hokusai.tracking import RunRecord, tracking
from registry.algorithms.mlmodel import ModelDescription, describe
from registry.choices import ArtifactState
from registry.exceptions import ArtifactRefused
from registry.models import ModelVersion

MLMODEL = "MLmodel"
MAX_MLMODEL_BYTES = 1024 * 1024


def copy_artifact(work: Work) -> None:
    """Fetch, digest and keep one version's files. Safe to repeat and to be killed at any line.

    Raises TrackingUnavailable where a later try may work, ArtifactRefused where none will.
    """
    version = _version(work.job)
    if version.artifact_state == ArtifactState.READY:
        return
    _mark_copying(work.job, version)
    client = tracking["default"]
    work.progress(10, f"fetching {version.source}")
    with tempfile.TemporaryDirectory(prefix="hokusai-copy-") as folder:
        source, run_id = client.resolve_source(version.source)
        _check_run(version, run_id)
        files = client.download(source, Path(folder))
        work.progress(60, "digesting and keeping the files")
        description = _describe(files)
        manifest = stores["default"].put_tree(files)
    run = client.get_run(version.run_id or run_id) if version.run_id or run_id else None
    with work.result():
        _keep(version, manifest, description, run)


def copy_failed(job: Job, reason: str) -> None:
    """Say on the version why its bytes are not there. Safe to repeat."""
    version = ModelVersion.objects.select_for_update(of=("self",)).get(pk=_version(job).pk)
    if version.artifact_state in {ArtifactState.READY, ArtifactState.FAILED}:
        return
    version.move_artifact_to(ArtifactState.FAILED)
    version.artifact_error = reason
    version.save(update_fields=["artifact_state", "artifact_error"])
    _record("version:failed", version, {"reason": reason})


def _version(job: Job) -> ModelVersion:
    found = ModelVersion.objects.with_names().filter(public_id=job.subject).first()
    if found is None:
        raise NotFound("The version of this job is gone.")
    return found


def _mark_copying(job: Job, version: ModelVersion) -> None:
    with leases.fenced(job):
        version = ModelVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)
        version.move_artifact_to(ArtifactState.COPYING)
        version.save(update_fields=["artifact_state"])


def _check_run(version: ModelVersion, run_id: str) -> None:
    """A source is of the run that was named, and of no run that another project copied from."""
    if run_id and version.run_id not in ("", run_id):
        raise ArtifactRefused(
            f"The source is of the run {run_id}, not of {version.run_id}.", run_id=run_id
        )
    named = run_id or version.run_id
    others = ModelVersion.objects.filter(run_id=named, artifact_state=ArtifactState.READY)
    if named and others.exclude(model__project=version.model.project_id).exists():
        raise ArtifactRefused("A version is copied from models of its own project.")


def _describe(files: Path) -> ModelDescription:
    try:
        return describe(yaml.safe_load(_read(files / MLMODEL)))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ArtifactRefused("The artifact holds no MLmodel file; log it with MLflow.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ArtifactRefused(f"The MLmodel file cannot be read: {error}") from error


def _read(path: Path) -> str:
    if path.stat().st_size > MAX_MLMODEL_BYTES:
        raise ArtifactRefused(f"The MLmodel file is larger than {MAX_MLMODEL_BYTES} bytes.")
    return path.read_text(encoding="utf-8")


def _keep(
    version: ModelVersion,
    manifest: Manifest,
    description: ModelDescription,
    run: RunRecord | None,
) -> None:
    version = ModelVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)
    version.move_artifact_to(ArtifactState.READY)
    version.artifact_error = ""
    version.tree_digest, version.size_bytes = manifest.digest, manifest.size_bytes
    version.file_count = len(manifest.files)
    version.flavor, version.signature = description.flavor, description.signature
    _adopt_run(version, run)
    version.save()
    _record(
        "version:ready",
        version,
        {"tree_digest": version.tree_digest, "size_bytes": version.size_bytes},
    )


def _adopt_run(version: ModelVersion, run: RunRecord | None) -> None:
    """MLflow owns what a run measured; what the registration said itself stays."""
    if run is None:
        return
    version.run_id = run.run_id
    # JSON has no NaN and no infinity; a metric that is neither says nothing.
    measured = {name: value for name, value in run.metrics.items() if math.isfinite(value)}
    version.metrics = {**measured, **version.metrics}
    version.parameters = {**run.parameters, **version.parameters}


def _record(tag: str, version: ModelVersion, after: dict[str, Any]) -> None:
    record(
        tag,
        subject=version.public_id,
        actor=SYSTEM,
        project_id=version.project.pk,
        label=str(version),
        after=after,
    )
