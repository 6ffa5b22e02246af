"""Which project the tracking server's things belong to."""

from registry.choices import ArtifactState
from registry.models import ModelVersion, TrackedVersion
from registry.models.mirror import OURS


def project_of_run(run_id: str) -> int | None:
    """The key of the project that a run belongs to: by its experiment's mapping, else that of the
    first version that was copied from it; None for a run that nobody claims."""
    tracked = TrackedVersion.objects.filter(run_id=run_id, experiment__project__isnull=False)
    mapped = tracked.values_list("experiment__project_id", flat=True).first()
    if mapped is not None:
        return mapped
    copied = ModelVersion.objects.filter(run_id=run_id, artifact_state=ArtifactState.READY)
    return copied.order_by("pk").values_list("project_id", flat=True).first()


def server_of(version: ModelVersion) -> str:
    """The tracking server that a version's source is of: where it was imported from, else ours."""
    tracked = TrackedVersion.objects.filter(version=version).values_list("server", flat=True)
    return tracked.first() or OURS
