from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from hokusai.accounts.choices import Role
from hokusai.accounts.models import Membership, Project
from hokusai.accounts.roles import roles_with
from hokusai.core.errors import Forbidden, InvalidInput
from hokusai.core.events import Actor, record
from registry.choices import Stage
from registry.models import PromotionPolicy
from registry.promotion import checks_of

DECIDE = "registry.decide_promotion"
MOST_HOURS = 24 * 366
STAGES = tuple(stage for stage in Stage if stage != Stage.NONE)


@dataclass(frozen=True, slots=True)
class Policy:
    """What is asked before a version enters a stage; `expires_after_h` None: never."""

    stage: Stage
    blocking: tuple[str, ...]
    approvals: int
    roles: tuple[str, ...]
    expires_after_h: int | None = None

    def expiry(self) -> datetime | None:
        """When a request that is made now ends; None for never."""
        if self.expires_after_h is None:
            return None
        return timezone.now() + timedelta(hours=self.expires_after_h)


def default_policy(stage: Stage) -> Policy:
    """What holds where a project states nothing: PROMOTION_DEFAULTS."""
    stated: Mapping[str, Any] = settings.PROMOTION_DEFAULTS[stage.value]
    return Policy(
        stage=stage,
        blocking=tuple(stated["blocking"]),
        approvals=stated["approvals"],
        roles=tuple(stated["roles"]),
        expires_after_h=stated["expires_after_h"],
    )


def policy_for(project: Project, stage: Stage) -> Policy:
    """What a project asks before a version enters a stage."""
    row = PromotionPolicy.objects.filter(project=project, stage=stage).first()
    return default_policy(stage) if row is None else stated_policy(row)


def stated_policy(row: PromotionPolicy) -> Policy:
    """A row as what it asks."""
    return Policy(
        stage=Stage(row.stage),
        blocking=tuple(row.blocking),
        approvals=row.approvals,
        roles=tuple(row.roles),
        expires_after_h=row.expires_after_h,
    )


def policies_of(project: Project) -> list[Policy]:
    """What a project asks for each stage, in their order."""
    return [policy_for(project, stage) for stage in STAGES]


@transaction.atomic
def set_policy(
    *,
    project: Project,
    stage: Stage,
    blocking: Collection[str],
    approvals: int,
    roles: Collection[str],
    expires_after_h: int | None,
    actor: Actor,
) -> PromotionPolicy:
    """State what is asked before a version enters a stage. Open requests keep what was asked.

    Raises InvalidInput for unknown checks and roles, or more approvals than there are persons.
    """
    if actor.user_id is None:
        raise Forbidden("A policy is set by a person.")
    Project.objects.select_for_update().get(pk=project.pk)
    wanted = Policy(
        stage=_known_stage(stage),
        blocking=_known_checks(stage, blocking),
        approvals=approvals,
        roles=_known_roles(roles),
        expires_after_h=_sound_expiry(expires_after_h),
    )
    _check_persons(project, wanted)
    before = policy_for(project, stage)
    row, _ = PromotionPolicy.objects.update_or_create(
        project=project,
        stage=stage,
        defaults={
            "blocking": list(wanted.blocking),
            "approvals": wanted.approvals,
            "roles": list(wanted.roles),
            "expires_after_h": wanted.expires_after_h,
            "changed_by_id": actor.user_id,
            "changed_at": timezone.now(),
        },
    )
    record(
        "policy:set",
        subject=project.public_id,
        actor=actor,
        project_id=project.pk,
        label=str(row),
        before=asdict(before),
        after=asdict(wanted),
    )
    return row


def _known_stage(stage: Stage) -> Stage:
    if stage not in STAGES:
        raise InvalidInput("No policy leads to this stage.", stage=str(stage))
    return stage


def _known_checks(stage: Stage, codes: Collection[str]) -> tuple[str, ...]:
    known = [check.code for check in checks_of(stage)]
    if unknown := sorted(set(codes) - set(known)):
        named = ", ".join(known) or "none"
        raise InvalidInput(
            f"There is no check {unknown[0]!r} for {stage}; there are: {named}.", check=unknown[0]
        )
    return tuple(code for code in known if code in codes)


def _known_roles(roles: Collection[str]) -> tuple[str, ...]:
    deciding = [role.value for role in Role if role in roles_with(DECIDE)]
    if unknown := sorted(set(roles) - set(deciding)):
        named = " and ".join(deciding)
        raise InvalidInput(
            f"{unknown[0]!r} is no role that decides; those are {named}.", role=unknown[0]
        )
    if not roles:
        raise InvalidInput("Name at least one role that may approve.")
    return tuple(role for role in deciding if role in roles)


def _sound_expiry(hours: int | None) -> int | None:
    if hours is not None and not 1 <= hours <= MOST_HOURS:
        raise InvalidInput(f"A request ends after 1 to {MOST_HOURS} hours, or never.", hours=hours)
    return hours


def _check_persons(project: Project, policy: Policy) -> None:
    if policy.approvals < 1:
        raise InvalidInput("At least one person approves.", approvals=policy.approvals)
    persons = possible_approvers(project, policy.roles)
    if policy.approvals > persons:
        raise InvalidInput(
            f"{policy.approvals} approvals are asked for, and {persons} persons of the project "
            f"are {' or '.join(policy.roles)}. Add members or ask for fewer.",
            approvals=policy.approvals,
            persons=persons,
        )


def possible_approvers(project: Project, roles: Sequence[str]) -> int:
    """How many persons of a project hold one of the roles and may log in."""
    members = Membership.objects.filter(project=project, role__in=roles, user__is_active=True)
    return members.values("user").distinct().count()
