"""The description of a model, here and on the tracking server."""

from django.db import transaction

from hokusai.core.events import SYSTEM, record
from hokusai.tracking import ModelRecord, TrackingClient, TrackingNotFound, tracking
from registry.algorithms.merging import Merged, three_way
from registry.choices import ConflictState
from registry.mirroring.intake import kept
from registry.models import Model, ModelVersion, SyncConflict, TrackedModel
from registry.sync.locks import one_at_a_time
from registry.sync.stating import DESCRIBED

FIELD = "model:description"


def push_model(public_id: str) -> None:
    """Bring a model's description in step with its name there. Safe to repeat.

    Does nothing for a model that is not shown there. Raises TrackingUnavailable.
    """
    model = Model.objects.get(public_id=public_id)
    known = TrackedModel.objects.filter(model=model).values_list("server", flat=True).first()
    newest = model.versions.order_by("-number").first()
    if known is None or newest is None:
        return
    with one_at_a_time(model.model_id):
        bring_model_in_step(tracking[known], model, known, newest)


def bring_model_in_step(
    client: TrackingClient, model: Model, server: str, version: ModelVersion
) -> None:
    """Compare, write there or here; a conflict is listed with this version."""
    tracked = TrackedModel.objects.filter(server=server, model=model.pk).first()
    if tracked is None:
        return
    try:
        seen = client.get_model(tracked.name)
    except TrackingNotFound:
        return
    found = three_way(
        {FIELD: tracked.description[:DESCRIBED]},
        {FIELD: model.description[:DESCRIBED]},
        {FIELD: kept(seen.description)[:DESCRIBED]},
    )
    if FIELD in found.push:
        client.describe_model(tracked.name, found.push[FIELD] or "")
    if found.push or found.adopt:
        _settle(tracked.pk, model, version, seen, found)


@transaction.atomic
def _settle(
    key: int, model: Model, version: ModelVersion, seen: ModelRecord, found: Merged
) -> None:
    tracked = TrackedModel.objects.select_for_update(of=("self",)).get(pk=key)
    row = Model.objects.select_for_update(of=("self",)).get(pk=model.pk)
    if row.description != model.description:
        # A person changed it meanwhile; that change has its own turn.
        return
    tracked.description = found.push.get(FIELD) or kept(seen.description)
    tracked.save(update_fields=["description"])
    if FIELD not in found.adopt:
        return
    before, row.description = row.description, found.adopt[FIELD] or ""
    row.save(update_fields=["description"])
    for clash in found.clashes:
        values = {"base": clash.base, "ours": clash.ours, "theirs": clash.theirs}
        SyncConflict.objects.update_or_create(
            version=version, field=FIELD, state=ConflictState.OPEN, defaults={"values": values}
        )
    record(
        "model:changed-in-mlflow",
        subject=row.public_id,
        actor=SYSTEM,
        project_id=row.project_id,
        label=row.model_id,
        before={"description": before},
        after={"description": row.description},
    )
