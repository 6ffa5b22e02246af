import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max

from hokusai.accounts.models import Project
from hokusai.core import jobs
from hokusai.core.errors import Conflict, Forbidden, InvalidInput
from hokusai.core.events import SYSTEM, Actor, record
from hokusai.core.fields import SLUG_PATTERN, slug_validator
from hokusai.core.services import retry_parked
from registry.choices import SYNC_SUBSCRIBER, ArtifactState, EdgeKind, SyncState
from registry.exceptions import ArtifactRefused
from registry.models import DatasetVersion, Model, ModelVersion, VersionTag
from registry.services.lineage import link_lineage
from registry.services.nodes import dataset_node, run_node, version_node
from registry.training import resolve_training_data

# A run's model, a logged model by id, or a registered version by number. Never an alias: what an
# alias names changes under those who read it.
SOURCE = re.compile(
    r"^(runs:/[0-9a-f]{32}/[\w./ -]+|models:/m-[0-9a-f]{32}|models:/[^/@:]+/[1-9]\d*)\Z"
)
# How the platform names its models there: whoever knows the name may not see every project.
OURS = re.compile(rf"^models:/(?P<project>{SLUG_PATTERN})\.{SLUG_PATTERN}/")
OWN_TAGS = "hokusai."


@transaction.atomic
def create_model(
    *,
    project: Project,
    slug: str,
    name: str,
    actor: Actor,
    description: str = "",
    task: str = "classification",
) -> Model:
    """Make an empty line of versions. Raises Conflict where the name was ever used."""
    model, created = _get_or_create_model(project, slug, actor, name, description, task=task)
    if not created:
        raise Conflict(f"The project has a model {slug!r} already.", model_id=model.model_id)
    return model


def _get_or_create_model(
    project: Project, slug: str, actor: Actor, name: str, description: str = "", *, task: str
) -> tuple[Model, bool]:
    _check_slug(slug)
    model, created = Model.objects.get_or_create(
        project=project,
        slug=slug,
        defaults={
            "model_id": f"{project.slug}.{slug}",
            "name": name or slug,
            "description": description,
            "task": task,
        },
    )
    if created:
        record(
            "model:created",
            subject=model.public_id,
            actor=actor,
            project_id=project.pk,
            label=model.model_id,
            after={"model_id": model.model_id, "task": task},
        )
    return model, created


def _check_slug(slug: str) -> None:
    try:
        slug_validator(slug)
    except ValidationError as error:
        raise InvalidInput(error.messages[0], model=slug) from error


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
    metrics: Mapping[str, float] | None = None,
    parameters: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    description: str = "",
) -> ModelVersion:
    """Register an artifact as the next version of a model, which is made where it is new.

    Answers at once: a worker copies the bytes, another shows the version in MLflow.
    `training_data`: public ids of dataset versions or of contributions.
    Raises InvalidInput, ArtifactRefused.
    """
    if actor.user_id is None:
        raise Forbidden("A version is registered by a person.")
    _check_source(source, project)
    _check_tags(tags or {})
    _check_metrics(metrics or {})
    model, _ = _get_or_create_model(project, slug, actor, name, task=task)
    if parent is not None and parent.model.project_id != project.pk:
        raise InvalidInput("The parent is a version of another project.", parent=parent.public_id)
    data = resolve_training_data(training_data, project)
    model = Model.objects.select_for_update().get(pk=model.pk)
    version = ModelVersion.objects.create(
        project=project,
        model=model,
        number=(model.versions.aggregate(last=Max("number"))["last"] or 0) + 1,
        parent=parent,
        description=description,
        source=source,
        run_id=run_id or _run_of(source),
        metrics=dict(metrics or {}),
        parameters=dict(parameters or {}),
        registered_by_id=actor.user_id,
    )
    _attach(version, data, tags or {})
    _announce(version, actor)
    return version


def _check_source(source: str, project: Project) -> None:
    if not SOURCE.match(source):
        raise ArtifactRefused(
            "Give the source as runs:/<run id>/<path>, models:/m-<id> or models:/<name>/<number>.",
            source=source[:200],
        )
    named = OURS.match(source)
    if named and named["project"] != project.slug:
        raise ArtifactRefused("A version is copied from models of its own project.", source=source)


def _run_of(source: str) -> str:
    return source.removeprefix("runs:/").split("/")[0] if source.startswith("runs:/") else ""


def _check_tags(tags: Mapping[str, str]) -> None:
    for key in tags:
        if key.startswith(OWN_TAGS):
            raise InvalidInput(f"Tags named {OWN_TAGS}… are the platform's own.", tag=key)


def _check_metrics(metrics: Mapping[str, float]) -> None:
    for name, value in metrics.items():
        if not math.isfinite(value):
            raise InvalidInput("A metric is a finite number.", metric=name)


def _attach(version: ModelVersion, data: Sequence[DatasetVersion], tags: Mapping[str, str]) -> None:
    version.training_data.set(data)
    VersionTag.objects.bulk_create(
        VersionTag(version=version, key=key, value=value) for key, value in tags.items()
    )
    node = version_node(version)
    if version.parent is not None:
        link_lineage(src=version_node(version.parent), dst=node, kind=EdgeKind.PARENT)
    if version.run_id:
        link_lineage(src=run_node(version), dst=node, kind=EdgeKind.PRODUCED_BY)
    for dataset_version in data:
        link_lineage(src=dataset_node(dataset_version), dst=node, kind=EdgeKind.TRAINED_ON)


def _announce(version: ModelVersion, actor: Actor) -> None:
    jobs.enqueue(
        "artifact_copy",
        subject=version.public_id,
        project_id=version.project.pk,
        label=str(version),
    )
    record(
        "version:registered",
        subject=version.public_id,
        actor=actor,
        project_id=version.project.pk,
        label=str(version),
        after={
            "model_id": version.model.model_id,
            "number": version.number,
            "source": version.source,
            "training_data": [row.public_id for row in version.training_data.all()],
        },
    )


@transaction.atomic
def set_tags(*, version_id: int, tags: Mapping[str, str], actor: Actor) -> ModelVersion:
    """Set tags of a version; others stay. Raises InvalidInput for the platform's own."""
    _check_tags(tags)
    return _write_tags(version_id, tags, actor)


@transaction.atomic
def state_facts(*, version_id: int, facts: Mapping[str, str]) -> ModelVersion:
    """Set the platform's own tags, named `hokusai.…`, which MLflow shows too."""
    return _write_tags(version_id, {OWN_TAGS + key: value for key, value in facts.items()}, SYSTEM)


def _write_tags(version_id: int, tags: Mapping[str, str], actor: Actor) -> ModelVersion:
    version = ModelVersion.objects.select_for_update(of=("self",)).get(pk=version_id)
    before = dict(version.tags.filter(key__in=tags).values_list("key", "value"))
    for key, value in tags.items():
        VersionTag.objects.update_or_create(version=version, key=key, defaults={"value": value})
    record(
        "version:tagged",
        subject=version.public_id,
        actor=actor,
        project_id=version.project.pk,
        label=str(version),
        before=before,
        after=dict(tags),
    )
    return version


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
