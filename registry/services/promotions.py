from django.db import transaction
from django.utils import timezone

from hokusai.core.errors import Conflict, Forbidden
from hokusai.core.events import Actor, record
from registry.choices import ArtifactState, PromotionStatus, Stage, StageReason
from registry.exceptions import ArtifactNotReady, ChecksFailed, NotIndependent
from registry.models import Model, ModelVersion, Promotion, PromotionApproval, StageChange
from registry.promotion import failed_checks, parties_of, run_checks


@transaction.atomic
def request_promotion(
    *, version_id: int, target: Stage, actor: Actor, comment: str = ""
) -> Promotion:
    """Ask for a version to move to a stage; its checks are run and kept at once.

    Raises ArtifactNotReady, InvalidTransition, or Conflict where the same request is open.
    """
    if actor.user_id is None:
        raise Forbidden("A promotion is asked for by a person.")
    version = ModelVersion.objects.select_for_update(of=("self",)).get(pk=version_id)
    if version.artifact_state != ArtifactState.READY:
        raise ArtifactNotReady(
            f"The artifact is {version.artifact_state}; it can be promoted once it is ready."
        )
    _check_transition(version, target)
    if version.promotions.filter(target=target, status=PromotionStatus.REQUESTED).exists():
        raise Conflict(f"A promotion of {version} to {target} waits for a decision already.")
    promotion = Promotion.objects.create(
        version=version,
        target=target,
        comment=comment,
        checks=run_checks(version, target),
        requested_by_id=actor.user_id,
    )
    _record("promotion:requested", promotion, actor, before=version.stage)
    return promotion


def _check_transition(version: ModelVersion, target: Stage) -> None:
    """Try the move on a copy: nothing is saved."""
    ModelVersion(model=version.model, number=version.number, stage=version.stage).move_stage_to(
        target
    )


def approve_promotion(*, promotion_id: int, actor: Actor, comment: str = "") -> Promotion:
    """Approve and carry out. A refused attempt is recorded before it is answered.

    Raises NotIndependent for whoever has a part in it, ChecksFailed, InvalidTransition.
    """
    try:
        return _approve(promotion_id, actor, comment)
    except NotIndependent as error:
        with transaction.atomic():
            promotion = Promotion.objects.get(pk=promotion_id)
            _record("promotion:approval-refused", promotion, actor, reason=str(error))
        raise


@transaction.atomic
def _approve(promotion_id: int, actor: Actor, comment: str) -> Promotion:
    promotion = _locked(promotion_id)
    promotion.move_to(PromotionStatus.APPROVED)
    _check_independence(promotion, actor)
    promotion.checks = run_checks(promotion.version, Stage(promotion.target))
    if failed := failed_checks(promotion.checks):
        raise ChecksFailed(
            "These checks are missing or failed: " + "; ".join(c["title"] for c in failed) + ".",
            checks=failed,
        )
    PromotionApproval.objects.create(
        promotion=promotion, approver_id=actor.user_id, comment=comment
    )
    _decide(promotion, actor, comment)
    _carry_out(promotion, actor)
    _record("promotion:approved", promotion, actor, before=PromotionStatus.REQUESTED)
    return promotion


@transaction.atomic
def refuse_promotion(*, promotion_id: int, actor: Actor, comment: str = "") -> Promotion:
    """Decide against a promotion. Raises InvalidTransition where it was decided."""
    promotion = _locked(promotion_id)
    promotion.move_to(PromotionStatus.REFUSED)
    _decide(promotion, actor, comment)
    _record("promotion:refused", promotion, actor, before=PromotionStatus.REQUESTED)
    return promotion


@transaction.atomic
def cancel_promotion(*, promotion_id: int, actor: Actor) -> Promotion:
    """Take a request back. Raises InvalidTransition, or Forbidden for anybody but its author."""
    promotion = _locked(promotion_id)
    if actor.user_id != promotion.requested_by_id:
        raise Forbidden("A request is taken back by whoever made it.")
    promotion.move_to(PromotionStatus.CANCELLED)
    promotion.save(update_fields=["status"])
    _record("promotion:cancelled", promotion, actor, before=PromotionStatus.REQUESTED)
    return promotion


def _locked(promotion_id: int) -> Promotion:
    """The promotion, with its model's row locked: one decision per model at a time."""
    promotion = Promotion.objects.select_related("version__model__project").get(pk=promotion_id)
    Model.objects.select_for_update().get(pk=promotion.version.model_id)
    return (
        Promotion.objects.select_for_update(of=("self",))
        .select_related("version__model__project")
        .get(pk=promotion_id)
    )


def _check_independence(promotion: Promotion, actor: Actor) -> None:
    if actor.user_id is None:
        raise NotIndependent("A promotion is approved by a person.")
    if part := parties_of(promotion).get(actor.user_id):
        raise NotIndependent(f"You {part}; somebody without a part in it must decide.")


def _decide(promotion: Promotion, actor: Actor, comment: str) -> None:
    promotion.decided_by_id = actor.user_id
    promotion.decision_comment = comment
    promotion.decided_at = timezone.now()
    promotion.save(
        update_fields=["status", "checks", "decided_by", "decision_comment", "decided_at"]
    )


def _carry_out(promotion: Promotion, actor: Actor) -> None:
    version = promotion.version
    if promotion.target == Stage.PRODUCTION:
        present = version.model.versions.filter(stage=Stage.PRODUCTION).exclude(pk=version.pk)
        for old in present.select_for_update(of=("self",)):
            _move(old, Stage.ARCHIVED, actor, StageReason.DISPLACED, promotion)
    _move(version, Stage(promotion.target), actor, StageReason.PROMOTED, promotion)


def _move(
    version: ModelVersion, target: Stage, actor: Actor, reason: StageReason, promotion: Promotion
) -> None:
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
        actor_label=actor.label,
    )
    record(
        "stage:changed",
        subject=version.public_id,
        actor=actor,
        project_id=version.project.pk,
        label=str(version),
        before={"stage": before},
        after={"stage": target},
    )


def _record(
    tag: str, promotion: Promotion, actor: Actor, before: str = "", reason: str = ""
) -> None:
    after = {"status": promotion.status, "target": promotion.target}
    if reason:
        after["reason"] = reason
    record(
        tag,
        subject=promotion.public_id,
        actor=actor,
        project_id=promotion.project.pk,
        label=str(promotion),
        before={"state": before} if before else {},
        after=after,
    )
