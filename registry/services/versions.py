import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Max

from hokusai.accounts.models import Project
from hokusai.core import jobs
from hokusai.core.errors import Conflict, Forbidden, InvalidInput
from hokusai.core.events import Actor, record
from hokusai.core.services import retry_parked
from registry.algorithms.tags import TypedTag
from registry.choices import SYNC_SUBSCRIBER, ArtifactState, EdgeKind, SecurityLevel, SyncState
from registry.models import DatasetVersion, Model, ModelVersion, VersionTag
from registry.scores import keep_scores
from registry.services.lineage import link_lineage
from registry.services.metadata import (
    checked_card,
    checked_level,
    checked_licence,
    checked_tags,
    tag_rows,
)
from registry.services.models import get_or_create_model
from registry.services.nodes import dataset_node, run_node, version_node
from registry.services.uploads import take_upload
from registry.sources import check_source, run_of
from registry.training import resolve_training_data


@transaction.atomic
def register_version(
    *,
    project: Project,
    slug: str,
    source: str,
    actor: Actor,
    name: str = "",
    task: str = "classification",
    run_id: str = "",
    parent: ModelVersion | None = None,
    training_data: Sequence[str] = (),
    uses: Sequence[str] = (),
    metrics: Mapping[str, float] | None = None,
    parameters: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    description: str = "",
    card: str = "",
    licence: str = "",
    security_level: str = SecurityLevel.INTERNAL,
    code_revision: str = "",
) -> ModelVersion:
    """Register an artifact as the next version of a model, which is made where it is new.

    Answers at once: a worker copies the bytes, another shows the version in MLflow.
    `training_data`: public ids of dataset versions or of contributions; `uses`: public ids of
    versions that it needs at run time.
    Raises InvalidInput, ArtifactRefused, Forbidden for a parent one may not derive from, and
    Conflict that names the version where this source was registered with this parent before.
    """
    if actor.user_id is None:
        raise Forbidden("A version is registered by a person.")
    check_source(source, project)
    said = {
        "source": source,
        "run_id": run_id or run_of(source),
        "parent": _checked_parent(parent, project),
        "description": description,
        "metrics": _checked_metrics(metrics or {}),
        "parameters": dict(parameters or {}),
        "card": checked_card(card),
        "licence": checked_licence(licence),
        "security_level": checked_level(security_level),
        "code_revision": code_revision,
        "registered_by_id": actor.user_id,
    }
    typed_tags, needed = checked_tags(tags or {}), _resolve_uses(uses, project)
    model, _ = get_or_create_model(project, slug, actor, name, task=task)
    data = resolve_training_data(training_data, project)
    return insert_version(model, said, Beside(typed_tags, data, needed), actor)


@dataclass(frozen=True, slots=True)
class Beside:
    """What is kept of a version in tables of its own; checked already."""

    tags: Mapping[str, TypedTag]
    data: Sequence[DatasetVersion]
    needed: Sequence[ModelVersion]


def insert_version(
    model: Model, said: Mapping[str, Any], beside: Beside, actor: Actor
) -> ModelVersion:
    """The next version, under the model's lock; `said` was checked already."""
    model = Model.objects.select_for_update(of=("self",)).select_related("project").get(pk=model.pk)
    _refuse_repeat(model, said["source"], said["parent"])
    take_upload(said["source"], model.project)
    version = ModelVersion.objects.create(
        project=model.project,
        model=model,
        number=next_number(model),
        **said,
    )
    version.training_data.add(*beside.data)
    version.uses.add(*beside.needed)
    VersionTag.objects.bulk_create(tag_rows(version, beside.tags))
    keep_scores(version)
    tell_lineage(version, beside.data, beside.needed)
    announce(version, actor, beside.data)
    return version


def next_number(model: Model) -> int:
    """The number of a model's next version; under the lock of the model's row."""
    return (model.versions.aggregate(last=Max("number"))["last"] or 0) + 1


def _checked_metrics(metrics: Mapping[str, float]) -> dict[str, float]:
    for name, value in metrics.items():
        if not math.isfinite(value):
            raise InvalidInput("A metric is a finite number.", metric=name)
    return dict(metrics)


def _checked_parent(parent: ModelVersion | None, project: Project) -> ModelVersion | None:
    if parent is None:
        return None
    allowed = Model.objects.derivable_by(project.pk).filter(pk=parent.model_id)
    if not allowed.exists():
        raise Forbidden(
            "The parent belongs to another project, which does not let this one derive from it.",
            parent=parent.public_id,
        )
    return parent


def _resolve_uses(public_ids: Sequence[str], project: Project) -> list[ModelVersion]:
    if not public_ids:
        return []
    usable = Model.objects.usable_by(project.pk)
    found = {
        version.public_id: version
        for version in ModelVersion.objects.with_names().filter(
            public_id__in=public_ids, model__in=usable
        )
    }
    for public_id in public_ids:
        if public_id not in found:
            raise InvalidInput("This project knows no such version to use.", id=public_id)
    return list(found.values())


def _refuse_repeat(model: Model, source: str, parent: ModelVersion | None) -> None:
    """The same bytes on the same parent are one version; whoever repeats is told which."""
    known = model.versions.filter(source=source, parent=parent).order_by("number").first()
    if known is not None:
        raise Conflict(
            f"This source was registered as {model} v{known.number} already.",
            id=known.public_id,
            number=known.number,
        )


def tell_lineage(
    version: ModelVersion, data: Sequence[DatasetVersion], needed: Sequence[ModelVersion] = ()
) -> None:
    """State what a version came from."""
    node = version_node(version)
    if version.parent is not None:
        link_lineage(src=version_node(version.parent), dst=node, kind=EdgeKind.PARENT)
    if version.run_id:
        link_lineage(src=run_node(version), dst=node, kind=EdgeKind.PRODUCED_BY)
    for dataset_version in data:
        link_lineage(src=dataset_node(dataset_version), dst=node, kind=EdgeKind.TRAINED_ON)
    for other in needed:
        link_lineage(src=version_node(other), dst=node, kind=EdgeKind.USES)


def announce(version: ModelVersion, actor: Actor, data: Sequence[DatasetVersion] = ()) -> None:
    """Let a worker copy the bytes, and tell of the new version."""
    jobs.enqueue(
        "artifact_copy",
        subject=version.public_id,
        project_id=version.project_id,
        label=str(version),
    )
    record(
        "version:registered",
        subject=version.public_id,
        actor=actor,
        project_id=version.project_id,
        label=str(version),
        after={
            "model_id": version.model.model_id,
            "number": version.number,
            "source": version.source,
            "training_data": [row.public_id for row in data],
        },
    )


@transaction.atomic
def set_head(*, model_id: int, expected: ModelVersion, head: ModelVersion) -> None:
    """Let a better version lead its line. Raises Conflict where another one led meanwhile."""
    model = Model.objects.select_for_update().get(pk=model_id)
    if model.head_id not in (None, expected.pk):
        raise Conflict(
            f"v{expected.number} no longer leads {model}; compare with the version that does.",
            head=model.head_id,
        )
    model.head = head
    model.save(update_fields=["head"])


@transaction.atomic
def retry_artifact(*, version_id: int, actor: Actor) -> ModelVersion:
    """Copy a version's bytes again after a failure. Raises Conflict where nothing failed."""
    version = ModelVersion.objects.select_for_update(of=("self",)).get(pk=version_id)
    if version.artifact_state != ArtifactState.FAILED:
        raise Conflict(f"The artifact is {version.artifact_state}; there is nothing to repeat.")
    version.move_artifact_to(ArtifactState.COPYING)
    version.save(update_fields=["artifact_state"])
    jobs.enqueue(
        "artifact_copy",
        subject=version.public_id,
        project_id=version.project.pk,
        label=str(version),
    )
    _record_retry(version, "version:copy-retried", actor)
    return version


@transaction.atomic
def retry_sync(*, version_id: int, actor: Actor) -> ModelVersion:
    """Show a version in MLflow again; pushes of it that were parked are tried again."""
    version = ModelVersion.objects.select_for_update(of=("self",)).get(pk=version_id)
    version.sync_state = SyncState.PENDING
    version.save(update_fields=["sync_state"])
    retry_parked(subscriber=SYNC_SUBSCRIBER, subject=version.public_id, actor=actor)
    _record_retry(version, "version:sync-retried", actor)
    return version


def _record_retry(version: ModelVersion, tag: str, actor: Actor) -> None:
    record(
        tag,
        subject=version.public_id,
        actor=actor,
        project_id=version.project.pk,
        label=str(version),
    )
