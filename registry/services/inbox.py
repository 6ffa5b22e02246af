"""What waits in the inbox: versions of the tracking server that no mapped experiment claims."""

from collections.abc import Sequence

from django.db import transaction

from hokusai.accounts.models import Project
from hokusai.core.errors import Conflict, Forbidden, InvalidInput
from hokusai.core.events import Actor, record
from registry import mirroring
from registry.choices import MirrorState, Origin
from registry.models import ModelVersion, TrackedVersion

AT_ONCE = 1_000


@transaction.atomic
def assign_tracked(
    *, tracked_ids: Sequence[int], project: Project, actor: Actor
) -> list[ModelVersion]:
    """Take versions out of the inbox into a project; their bytes are copied afterwards.

    Raises Conflict where one is not in the inbox, InvalidInput for none or too many at once.
    """
    if actor.user_id is None:
        raise Forbidden("Versions are assigned by a person.")
    rows = _locked(tracked_ids)
    if wrong := [row for row in rows if row.state != MirrorState.INBOX]:
        raise Conflict(f"{wrong[0]} is {wrong[0].state}, not in the inbox.")
    made = mirroring.adopt(
        [row.pk for row in rows],
        project=project,
        registered_by_id=actor.user_id,
        origin=Origin.PULLED,
        actor=actor,
    )
    return list(ModelVersion.objects.with_names().filter(pk__in=made).order_by("pk"))


@transaction.atomic
def ignore_tracked(*, tracked_ids: Sequence[int], actor: Actor) -> None:
    """Put versions aside. Raises InvalidTransition where one is not in the inbox."""
    _move(tracked_ids, MirrorState.IGNORED, actor)


@transaction.atomic
def unignore_tracked(*, tracked_ids: Sequence[int], actor: Actor) -> None:
    """Put versions back into the inbox. Raises InvalidTransition where one is not set aside."""
    _move(tracked_ids, MirrorState.INBOX, actor)


def _move(tracked_ids: Sequence[int], target: MirrorState, actor: Actor) -> None:
    rows = _locked(tracked_ids)
    for row in rows:
        before = row.state
        row.move_to(target)
        row.save(update_fields=["state"])
        record(
            f"tracked-version:{target}",
            subject=row.public_id,
            actor=actor,
            project_id=None,
            label=str(row),
            before={"state": before},
            after={"state": row.state},
        )


def _locked(tracked_ids: Sequence[int]) -> list[TrackedVersion]:
    if not 1 <= len(tracked_ids) <= AT_ONCE:
        raise InvalidInput(f"Choose 1 to {AT_ONCE} versions.", count=len(tracked_ids))
    rows = TrackedVersion.objects.select_for_update(of=("self",)).filter(pk__in=tracked_ids)
    return list(rows.order_by("pk"))
