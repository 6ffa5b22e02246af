"""Conflicts between what was said here and on the tracking server."""

from django.db import transaction
from django.utils import timezone

from hokusai.core.errors import Conflict, Forbidden
from hokusai.core.events import Actor, record
from registry.choices import ConflictState, SyncState
from registry.models import ModelVersion, SyncConflict
from registry.sync.models import FIELD as MODEL_DESCRIPTION
from registry.sync.settling import write_tag
from registry.sync.stating import ALIAS, DESCRIPTION, OWN, TAG


@transaction.atomic
def resolve_conflict(*, conflict_id: int, choice: str, actor: Actor) -> SyncConflict:
    """Decide which side's value stands, here and there.

    `choice`: ours or theirs. Stages, their aliases and the platform's own tags are ours alone.
    Raises InvalidTransition where it was decided, Conflict for theirs where only ours can stand.
    """
    if actor.user_id is None:
        raise Forbidden("A conflict is resolved by a person.")
    conflict = SyncConflict.objects.select_for_update(of=("self",)).get(pk=conflict_id)
    version = ModelVersion.objects.select_for_update(of=("self",)).get(pk=conflict.version_id)
    theirs = choice == ConflictState.THEIRS
    if theirs and is_governed(conflict):
        raise Conflict(
            "Stages and hokusai.* tags change here, by promotion; MLflow only shows them."
        )
    conflict.move_to(ConflictState.THEIRS if theirs else ConflictState.OURS)
    conflict.resolved_by_id, conflict.resolved_at = actor.user_id, timezone.now()
    conflict.save(update_fields=["state", "resolved_by", "resolved_at"])
    if not is_governed(conflict):
        _write(version, conflict.field, conflict.values["theirs" if theirs else "ours"])
    if not version.conflicts.filter(state=ConflictState.OPEN).exists():
        version.sync_state = SyncState.PENDING
        version.save(update_fields=["sync_state"])
    _record(conflict, version, actor)
    return conflict


def is_governed(conflict: SyncConflict) -> bool:
    """Whether the field is the platform's alone."""
    return conflict.field.startswith((ALIAS, TAG + OWN))


def _write(version: ModelVersion, field: str, value: str | None) -> None:
    if field == MODEL_DESCRIPTION:
        version.model.description = value or ""
        version.model.save(update_fields=["description"])
    elif field == DESCRIPTION:
        version.description = value or ""
        version.save(update_fields=["description"])
    else:
        write_tag(version, field.removeprefix(TAG), value)


def _record(conflict: SyncConflict, version: ModelVersion, actor: Actor) -> None:
    record(
        "conflict:resolved",
        subject=version.public_id,
        actor=actor,
        project_id=version.project_id,
        label=f"{conflict.field} of {version}",
        before=conflict.values,
        after={"field": conflict.field, "choice": conflict.state},
    )
