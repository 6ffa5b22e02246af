"""Which project an experiment of the tracking server belongs to."""

from django.db import transaction

from hokusai.accounts.models import Project, User
from hokusai.core.errors import Conflict, Forbidden
from hokusai.core.events import Actor, record
from registry.models import TrackedExperiment
from registry.services.tracking import request_reconcile

# Whoever may change the experiment there says with it which project may claim it here.
CLAIM = "hokusai.project"


@transaction.atomic
def map_experiment(*, experiment_id: int, project: Project, actor: Actor) -> TrackedExperiment:
    """Let an experiment's runs and versions belong to a project; what waits in the inbox follows.

    A superuser maps any experiment. The owner of a project maps one that belongs to no project and
    whose tag `hokusai.project` names theirs: the tag proves that they may change it there.
    Versions that another project has already stay where they are. Raises Forbidden, Conflict.
    """
    row = TrackedExperiment.objects.select_for_update(of=("self",)).get(pk=experiment_id)
    _check_claim(row, project, actor)
    if row.project_id == project.pk:
        raise Conflict(f"{row} belongs to {project} already.")
    before = row.project.slug if row.project else None
    row.project, row.mapped_by_id = project, actor.user_id
    row.save(update_fields=["project", "mapped_by"])
    _record("experiment:mapped", row, actor, before, project)
    request_reconcile(server=row.server)
    return row


@transaction.atomic
def unmap_experiment(*, experiment_id: int, actor: Actor) -> TrackedExperiment:
    """Let an experiment belong to no project; versions that came from it stay where they are.

    Raises Conflict where it belongs to none.
    """
    row = TrackedExperiment.objects.select_for_update(of=("self",)).get(pk=experiment_id)
    if row.project is None:
        raise Conflict(f"{row} belongs to no project.")
    before = row.project
    row.project, row.mapped_by = None, None
    row.save(update_fields=["project", "mapped_by"])
    _record("experiment:unmapped", row, actor, before.slug, before)
    return row


def _check_claim(row: TrackedExperiment, project: Project, actor: Actor) -> None:
    if actor.user_id is None:
        raise Forbidden("An experiment is mapped by a person.")
    if User.objects.filter(pk=actor.user_id, is_superuser=True).exists():
        return
    if row.project_id is not None:
        raise Forbidden("This experiment belongs to a project; an administrator can change that.")
    if row.tags.get(CLAIM) != project.slug:
        raise Forbidden(
            f"Set the experiment's tag {CLAIM} to {project.slug} in MLflow, so that it is seen "
            "that you may change it; or ask an administrator.",
            tag=CLAIM,
        )


def _record(
    tag: str, row: TrackedExperiment, actor: Actor, before: str | None, project: Project
) -> None:
    record(
        tag,
        subject=row.public_id,
        actor=actor,
        project_id=project.pk,
        label=row.name,
        before={"project": before},
        after={"project": row.project.slug if row.project else None},
    )
