from django.db import transaction

from hokusai.core.errors import Conflict, Forbidden
from hokusai.core.events import Actor, record
from registry.choices import ArtifactState, Stage, StageReason
from registry.models import Model, ModelVersion, StageChange
from registry.services.stages import enter_stage


@transaction.atomic
def roll_back(*, model_id: int, actor: Actor, comment: str = "") -> ModelVersion:
    """Bring back what was in production before the present version was promoted.

    Undone by promoting again. Raises Forbidden for anybody but a person, Conflict where nothing
    was before, or where that version is retired.
    """
    if actor.user_id is None or actor.kind != "user":
        raise Forbidden("A roll back is a person's decision.")
    model = Model.objects.select_for_update().select_related("project").get(pk=model_id)
    present = model.versions.in_production().select_for_update(of=("self",)).first()
    if present is None:
        raise Conflict(f"No version of {model} is in production.")
    former = _former(model, present)
    said = comment or f"v{present.number} back to v{former.number}."
    enter_stage(present, Stage.ARCHIVED, actor=actor, reason=StageReason.ROLLED_BACK, comment=said)
    enter_stage(former, Stage.PRODUCTION, actor=actor, reason=StageReason.ROLLED_BACK, comment=said)
    record(
        "model:rolled-back",
        subject=model.public_id,
        actor=actor,
        project_id=model.project_id,
        label=model.model_id,
        before={"version": present.number},
        after={"version": former.number, "comment": comment},
    )
    return former


def previous_of(model: Model, present: ModelVersion) -> ModelVersion | None:
    """What was in production when the present version was promoted to it."""
    entered = StageChange.objects.filter(model=model, after=Stage.PRODUCTION)
    promoted = entered.filter(version=present, reason=StageReason.PROMOTED).first()
    if promoted is None:
        return None
    before = entered.filter(pk__lt=promoted.pk).exclude(version=present).first()
    return before.version if before else None


def _former(model: Model, present: ModelVersion) -> ModelVersion:
    previous = previous_of(model, present)
    if previous is None:
        raise Conflict(f"Nothing was in production before {present}.")
    former = ModelVersion.objects.select_for_update(of=("self",)).get(pk=previous.pk)
    if former.deprecated_at is not None:
        raise Conflict(f"{former} is retired; promote another version instead.")
    if former.artifact_state != ArtifactState.READY:
        raise Conflict(f"The artifact of {former} is {former.artifact_state}, not ready.")
    return former
