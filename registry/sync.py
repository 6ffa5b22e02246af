"""Showing a version in MLflow: what is there is looked at first, so that a repeat adds nothing."""

from django.db import transaction

from hokusai.tracking import (
    RegisteredVersion,
    TrackingClient,
    TrackingRefused,
    VersionPush,
    tracking,
)
from registry.choices import Stage, SyncState
from registry.models import ModelVersion

PRODUCTION_ALIAS = "production"


def push_version(public_id: str) -> None:
    """Bring MLflow in step with one version. Safe to repeat.

    Raises TrackingUnavailable where a later try may work; a refusal is shown as a conflict.
    """
    version = ModelVersion.objects.with_names().get(public_id=public_id)
    client = tracking["default"]
    try:
        found, note = _adopt_or_create(client, version)
        _state(client, version, found)
    except TrackingRefused as error:
        _save(version, SyncState.CONFLICT, note=str(error))
        raise
    _save(version, SyncState.SYNCED, found=found, note=note)


def _adopt_or_create(
    client: TrackingClient, version: ModelVersion
) -> tuple[RegisteredVersion, str]:
    """The version with our operation id: the lowest, where an old call came through twice."""
    name = version.model.model_id
    client.ensure_model(name, {"hokusai.model": version.model.public_id})
    found = client.find_versions(name, version.public_id)
    if not found:
        client.create_version(_push(client, version))
        found = client.find_versions(name, version.public_id)
    duplicates = ", ".join(row.version for row in found[1:])
    note = f"MLflow also holds {duplicates} of this operation." if duplicates else ""
    return found[0], note


def _push(client: TrackingClient, version: ModelVersion) -> VersionPush:
    source, run_id = client.resolve_source(version.source)
    return VersionPush(
        name=version.model.model_id,
        source=source,
        run_id=version.run_id or run_id,
        operation_id=version.public_id,
        description=version.description,
        tags={"hokusai.version": str(version.number)},
    )


def _state(client: TrackingClient, version: ModelVersion, found: RegisteredVersion) -> None:
    tags = {
        "hokusai.version": str(version.number),
        "hokusai.stage": version.stage,
        "hokusai.artifact": version.artifact_state,
        **dict(version.tags.values_list("key", "value")),
    }
    if version.tree_digest:
        tags["hokusai.digest"] = version.tree_digest
    client.set_version_tags(found.name, found.version, tags)
    client.set_alias(found.name, f"hokusai-{version.number}", found.version)
    if version.stage == Stage.PRODUCTION:
        client.set_alias(found.name, PRODUCTION_ALIAS, found.version)
    elif version.stage == Stage.ARCHIVED and not _has_production(version):
        client.delete_alias(found.name, PRODUCTION_ALIAS)


def _has_production(version: ModelVersion) -> bool:
    return version.model.versions.in_production().exists()


def _save(
    version: ModelVersion, state: SyncState, *, found: RegisteredVersion | None = None, note: str
) -> None:
    with transaction.atomic():
        row = ModelVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)
        row.sync_state, row.mlflow_note = state, note
        if found is not None:
            row.mlflow_name, row.mlflow_version = found.name, found.version
        row.save(update_fields=["sync_state", "mlflow_note", "mlflow_name", "mlflow_version"])
