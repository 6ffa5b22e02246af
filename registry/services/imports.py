"""Taking over an existing tracking server."""

from django.conf import settings
from django.db import transaction

from hokusai.accounts.models import Project
from hokusai.core import jobs
from hokusai.core.errors import Conflict, Forbidden, InvalidInput
from hokusai.core.events import Actor, record
from registry.choices import ArtifactState, Origin
from registry.models import ModelVersion, TrackingImport

IMPORT = "mlflow_import"


@transaction.atomic
def start_import(
    *,
    server: str,
    project: Project | None,
    dry_run: bool,
    actor: Actor,
    map_experiments: bool = False,
) -> TrackingImport:
    """Ask for an import; a worker does it, and the row carries its report.

    `project`: where versions go that no mapped experiment claims; without it, the inbox.
    `map_experiments`: those experiments belong to it from then on, with their runs.
    Raises InvalidInput for an unknown server, Conflict where an import of it is under way.
    """
    if actor.user_id is None:
        raise Forbidden("An import is asked for by a person.")
    if server not in settings.TRACKING:
        known = ", ".join(sorted(settings.TRACKING))
        raise InvalidInput(f"The setting TRACKING has no server {server!r}; it has {known}.")
    if map_experiments and project is None:
        raise InvalidInput("Name the project that the experiments are to belong to.")
    if TrackingImport.objects.filter(server=server, finished_at__isnull=True).exists():
        raise Conflict(f"An import from {server} is under way already.")
    row = TrackingImport.objects.create(
        server=server,
        project=project,
        dry_run=dry_run,
        requested_by_id=actor.user_id,
        place={"map_experiments": map_experiments},
    )
    jobs.enqueue(IMPORT, subject=row.public_id, project_id=None, label=str(row))
    record(
        "import:requested",
        subject=row.public_id,
        actor=actor,
        project_id=None,
        label=str(row),
        after={
            "server": server,
            "project": project.slug if project else None,
            "dry_run": dry_run,
            "map_experiments": map_experiments,
        },
    )
    return row


def copies_waiting(*, server: str) -> int:
    """How many imported versions' bytes are not here yet."""
    return ModelVersion.objects.filter(
        tracked__server=server,
        origin=Origin.IMPORTED,
        artifact_state__in=(ArtifactState.PENDING, ArtifactState.COPYING),
    ).count()
