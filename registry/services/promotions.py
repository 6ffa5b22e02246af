from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from hokusai.core.errors import Conflict, Forbidden
from hokusai.core.events import SYSTEM, Actor, record
from registry.choices import ArtifactState, PromotionStatus, Stage, StageReason
from registry.exceptions import ArtifactNotReady, BytesUnread, ChecksFailed, NotIndependent
from registry.models import Model, ModelVersion, Promotion, PromotionApproval
from registry.promotion import BytesRead, failed_checks, read_bytes, run_checks
from registry.services.approvals import check_approver, counted
from registry.services.policies import Policy, policy_for
from registry.services.reading import read_later
from registry.services.stages import enter_stage

EXPIRED_AT_ONCE = 500
_READ_TWICE = 2


def request_promotion(
    *, version_id: int, target: Stage, actor: Actor, comment: str = "", evidence: str = ""
) -> Promotion:
    """Ask for a version to move to a stage; its checks are run and kept at once.

    Raises ArtifactNotReady, InvalidTransition, or Conflict where the same request is open.
    """
    if actor.user_id is None:
        raise Forbidden("A promotion is asked for by a person.")
    asked = Promotion(
        version_id=version_id,
        target=target,
        comment=comment,
        evidence=evidence,
        requested_by_id=actor.user_id,
    )
    return _with_bytes(
        lambda read: _request(asked, actor, read),
        lambda: (ModelVersion.objects.get(pk=version_id), target),
    )


def _with_bytes(
    act: Callable[[BytesRead | None], Promotion],
    subject: Callable[[], tuple[ModelVersion, Stage]],
) -> Promotion:
    """Act in a transaction; the artifact is read before it, once all else allows the act.

    The first try stops where the bytes are asked for, and is rolled back.
    """
    read: BytesRead | None = None
    for _ in range(_READ_TWICE):
        try:
            return act(read)
        except BytesUnread:
            version, target = subject()
            read_later(version)
            read = read_bytes(version, target)
    return act(read)


@transaction.atomic
def _request(asked: Promotion, actor: Actor, read: BytesRead | None) -> Promotion:
    target = Stage(asked.target)
    version = ModelVersion.objects.select_for_update(of=("self",)).get(pk=asked.version_id)
    _check_open(version, target)
    _require_read(version, read)
    policy = policy_for(version.project, target)
    asked.version = version
    asked.approvals_needed = policy.approvals
    asked.expires_at = policy.expiry()
    asked.checks = run_checks(version, target, blocking=policy.blocking, read=read)
    asked.save(force_insert=True)
    _record(
        "promotion:requested",
        asked,
        actor,
        before=version.stage,
        roles=list(policy.roles),
        approvals=policy.approvals,
    )
    return asked


def _check_open(version: ModelVersion, target: Stage) -> None:
    """Raises what keeps a version from being asked for."""
    if version.artifact_state != ArtifactState.READY:
        raise ArtifactNotReady(
            f"The artifact is {version.artifact_state}; it can be promoted once it is ready."
        )
    _check_living(version, target)
    # The move is tried on a copy: nothing is saved.
    ModelVersion(model=version.model, number=version.number, stage=version.stage).move_stage_to(
        target
    )
    if version.promotions.filter(target=target, status=PromotionStatus.REQUESTED).exists():
        raise Conflict(f"A promotion of {version} to {target} waits for a decision already.")


def _check_living(version: ModelVersion, target: Stage) -> None:
    if target == Stage.ARCHIVED:
        return
    if version.model.archived_at is not None:
        raise Conflict(f"{version.model} is archived; restore it first.")
    if version.deprecated_at is not None:
        raise Conflict(f"{version} is retired; promote {version.successor} or another version.")


def _require_read(version: ModelVersion, read: BytesRead | None) -> None:
    if read is None or read.digest != version.tree_digest:
        raise BytesUnread("The artifact changed while it was read; try again.")


def approve_promotion(*, promotion_id: int, actor: Actor, comment: str = "") -> Promotion:
    """Approve; the last approval that is needed carries it out in the same transaction.

    A refused attempt is recorded before it is answered. Raises NotIndependent for whoever has a
    part in it or lacks the role, Conflict for a second approval or an expired request,
    ChecksFailed, InvalidTransition.
    """
    try:
        return _with_bytes(
            lambda read: _approve(promotion_id, actor, comment, read),
            lambda: _subject(promotion_id),
        )
    except NotIndependent as error:
        with transaction.atomic():
            promotion = Promotion.objects.get(pk=promotion_id)
            _record("promotion:approval-refused", promotion, actor, reason=str(error))
        raise


def _subject(promotion_id: int) -> tuple[ModelVersion, Stage]:
    promotion = Promotion.objects.select_related("version__model__project").get(pk=promotion_id)
    return promotion.version, Stage(promotion.target)


@transaction.atomic
def _approve(promotion_id: int, actor: Actor, comment: str, read: BytesRead | None) -> Promotion:
    promotion = _locked(promotion_id)
    promotion.move_to(PromotionStatus.APPROVED)
    policy = policy_for(promotion.project, Stage(promotion.target))
    approver, role = check_approver(promotion, policy, actor)
    _check_living(promotion.version, Stage(promotion.target))
    promotion.approvals_needed = max(promotion.approvals_needed, policy.approvals)
    given = counted(promotion) + 1
    if given >= promotion.approvals_needed:
        _require_read(promotion.version, read)
        _check_again(promotion, policy, read)
    PromotionApproval.objects.create(
        promotion=promotion, approver_id=approver, role=role, comment=comment
    )
    if given < promotion.approvals_needed:
        return _wait_for_more(promotion, actor, given)
    _decide(promotion, actor, comment)
    _carry_out(promotion, actor)
    _record("promotion:approved", promotion, actor, before=PromotionStatus.REQUESTED)
    return promotion


def _wait_for_more(promotion: Promotion, actor: Actor, given: int) -> Promotion:
    promotion.status = PromotionStatus.REQUESTED
    promotion.save(update_fields=["approvals_needed"])
    _record(
        "promotion:approval-given",
        promotion,
        actor,
        before=PromotionStatus.REQUESTED,
        approvals=given,
    )
    return promotion


def _check_again(promotion: Promotion, policy: Policy, read: BytesRead | None) -> None:
    """Run the checks anew. What blocked when it was asked for blocks still."""
    asked = {check["code"] for check in promotion.checks if check.get("blocking")}
    promotion.checks = run_checks(
        promotion.version,
        Stage(promotion.target),
        blocking=asked | set(policy.blocking),
        read=read,
    )
    if failed := failed_checks(promotion.checks):
        raise ChecksFailed(
            "These checks are missing or failed: "
            + "; ".join(f"{c['title']} ({c['message']})" for c in failed),
            checks=failed,
        )


@transaction.atomic
def refuse_promotion(*, promotion_id: int, actor: Actor, comment: str = "") -> Promotion:
    """Decide against a promotion; one refusal ends it. Raises InvalidTransition where decided."""
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


def expire_promotions(*, now: datetime | None = None) -> int:
    """End requests whose time is over, each in its own transaction; how many ended."""
    due = Promotion.objects.awaiting_review().filter(expires_at__lte=now or timezone.now())
    keys = list(due.order_by("expires_at").values_list("pk", flat=True)[:EXPIRED_AT_ONCE])
    return sum(_expire(key) for key in keys)


@transaction.atomic
def _expire(promotion_id: int) -> bool:
    promotion = _locked(promotion_id)
    if promotion.status != PromotionStatus.REQUESTED:
        return False
    promotion.move_to(PromotionStatus.EXPIRED)
    promotion.decided_at = timezone.now()
    promotion.save(update_fields=["status", "decided_at"])
    _record("promotion:expired", promotion, SYSTEM, before=PromotionStatus.REQUESTED)
    return True


def _locked(promotion_id: int) -> Promotion:
    """The promotion, with its model's row locked: one decision per model at a time."""
    promotion = Promotion.objects.select_related("version").get(pk=promotion_id)
    Model.objects.select_for_update().get(pk=promotion.version.model_id)
    return (
        Promotion.objects.select_for_update(of=("self", "version"))
        .select_related("version__model__project", "version__project")
        .get(pk=promotion_id)
    )


def _decide(promotion: Promotion, actor: Actor, comment: str) -> None:
    promotion.decided_by_id = actor.user_id
    promotion.decision_comment = comment
    promotion.decided_at = timezone.now()
    promotion.save(
        update_fields=[
            "status",
            "checks",
            "approvals_needed",
            "decided_by",
            "decision_comment",
            "decided_at",
        ]
    )


def _carry_out(promotion: Promotion, actor: Actor) -> None:
    version = promotion.version
    if promotion.target == Stage.PRODUCTION:
        present = version.model.versions.in_production().exclude(pk=version.pk)
        for old in present.select_for_update(of=("self",)):
            enter_stage(
                old,
                Stage.ARCHIVED,
                actor=actor,
                reason=StageReason.DISPLACED,
                promotion=promotion,
                comment=f"Displaced by v{version.number}.",
            )
    enter_stage(
        version,
        Stage(promotion.target),
        actor=actor,
        reason=StageReason.PROMOTED,
        promotion=promotion,
        comment=promotion.comment,
    )


def _record(tag: str, promotion: Promotion, actor: Actor, before: str = "", **more: object) -> None:
    after = {"status": promotion.status, "target": promotion.target, **more}
    record(
        tag,
        subject=promotion.public_id,
        actor=actor,
        project_id=promotion.project.pk,
        label=str(promotion),
        before={"state": before} if before else {},
        after=after,
    )
