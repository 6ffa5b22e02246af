"""Copying an artifact into the content store: bytes are loaded from there and from nowhere else."""

import math
import shutil
from pathlib import Path
from typing import Any

from django.conf import settings

from hokusai.core import jobs, leases
from hokusai.core.errors import NotFound
from hokusai.core.events import SYSTEM, record
from hokusai.core.jobs import Work
from hokusai.core.models import Job
from hokusai.storage import stores
from hokusai.storage.trees import Manifest
from hokusai.tracking import RunRecord, tracking
from registry.choices import ArtifactState
from registry.conversion import CONVERTED_FLAVOR
from registry.fetching import FETCHED, fetch
from registry.inspection import Inspection, inspect
from registry.mapping import server_of
from registry.models import ArtifactScan, Model, ModelVersion
from registry.scores import keep_scores
from registry.sources import UPLOADED


def copy_artifact(work: Work) -> None:
    """Fetch, look through, digest and keep one version's files.

    Safe to repeat and to be killed at any line. Raises an OutsideUnavailable where a later try may
    work, ArtifactRefused where none will.
    """
    version = _version(work.job)
    if version.artifact_state == ArtifactState.READY:
        return
    _mark_copying(work.job, version)
    staging = staging_of(version)
    fetched = fetch(version, staging, work.progress)
    work.progress(FETCHED, "looking through the files")
    seen = inspect(fetched.files)
    work.progress(75, "digesting and keeping the files")
    manifest = stores["default"].put_tree(fetched.files)
    run_id = version.run_id or fetched.run_id
    run = tracking[server_of(version)].get_run(run_id) if run_id else None
    with work.result():
        _keep(version, manifest, seen, run)
    shutil.rmtree(staging, ignore_errors=True)


def staging_of(version: ModelVersion) -> Path:
    """Where a version's files lie until they are kept; a second try finds them there."""
    place: Path = settings.ARTIFACT_STAGING / version.public_id
    return place


def copy_failed(job: Job, reason: str) -> None:
    """Say on the version why its bytes are not there. Safe to repeat."""
    version = ModelVersion.objects.select_for_update(of=("self",)).get(pk=_version(job).pk)
    if version.artifact_state in {ArtifactState.READY, ArtifactState.FAILED}:
        return
    version.move_artifact_to(ArtifactState.FAILED)
    version.artifact_error = reason
    version.save(update_fields=["artifact_state", "artifact_error"])
    shutil.rmtree(staging_of(version), ignore_errors=True)
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


def _keep(
    version: ModelVersion, manifest: Manifest, seen: Inspection, run: RunRecord | None
) -> None:
    # One decision per model at a time: two copies of one model are told apart by their order.
    Model.objects.select_for_update().get(pk=version.model_id)
    version = ModelVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)
    version.move_artifact_to(ArtifactState.READY)
    version.artifact_error = ""
    version.tree_digest, version.size_bytes = manifest.digest, manifest.size_bytes
    version.file_count = len(manifest.files)
    version.flavor, version.signature = seen.description.flavor, seen.description.signature
    version.identity_digest, version.requirements = seen.identity, seen.requirements
    version.input_example = seen.input_example
    version.card = version.card or seen.card
    version.twin_of = _twin(version)
    _adopt_run(version, run)
    version.save()
    keep_scores(version)
    ArtifactScan.objects.update_or_create(
        version=version,
        defaults={
            "verdict": seen.scan.verdict,
            "findings": [finding.as_dict() for finding in seen.scan.findings],
            "scanners": seen.scan.versions,
        },
    )
    _ask_for_what_follows(version)
    _record(
        "version:ready",
        version,
        {
            "tree_digest": version.tree_digest,
            "size_bytes": version.size_bytes,
            "scan": seen.scan.verdict,
            "twin_of": version.twin_of.public_id if version.twin_of else None,
        },
    )


def _ask_for_what_follows(version: ModelVersion) -> None:
    if uploaded := UPLOADED.match(version.source):
        jobs.enqueue("upload_removal", subject=uploaded["upload"], project_id=version.project_id)
    kinds = ["artifact_signature"]
    if version.flavor == CONVERTED_FLAVOR:
        kinds.append("onnx_conversion")
    for kind in kinds:
        jobs.enqueue(
            kind, subject=version.public_id, project_id=version.project_id, label=str(version)
        )


def _twin(version: ModelVersion) -> ModelVersion | None:
    """The first version of the model that is the same, though its bytes may differ."""
    return (
        ModelVersion.objects.filter(model=version.model_id, identity_digest=version.identity_digest)
        .exclude(pk=version.pk)
        .order_by("number")
        .first()
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
