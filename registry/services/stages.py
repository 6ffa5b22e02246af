from hokusai.core.events import Actor, record
from registry.choices import Stage, StageReason
from registry.models import ModelVersion, Promotion, StageChange


def enter_stage(
    version: ModelVersion,
    target: Stage,
    *,
    actor: Actor,
    reason: StageReason,
    promotion: Promotion | None = None,
    comment: str = "",
) -> None:
    """Move a locked version to a stage together with its history, inside a transaction.

    Raises InvalidTransition where the stage may not follow.
    """
    before = version.stage
    version.move_stage_to(target)
    version.save(update_fields=["stage"])
    StageChange.objects.create(
        model=version.model,
        version=version,
        before=before,
        after=target,
        reason=reason,
        promotion=promotion,
        actor=str(actor),
        actor_label=actor.label[:200],
        comment=comment,
    )
    record(
        "stage:changed",
        subject=version.public_id,
        actor=actor,
        project_id=version.project_id,
        label=str(version),
        before={"stage": before},
        after={"stage": target, "reason": reason},
    )
