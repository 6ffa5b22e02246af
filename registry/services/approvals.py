"""Whose approval of a promotion counts."""

from django.utils import timezone

from hokusai.core.errors import Conflict
from hokusai.core.events import Actor
from hokusai.core.models import Event
from registry.exceptions import NotIndependent
from registry.models import Promotion
from registry.promotion import parties_of
from registry.services.policies import Policy


def check_approver(promotion: Promotion, policy: Policy, actor: Actor) -> tuple[int, str]:
    """The key and the role of whoever approves.

    Raises NotIndependent for anybody but a person without a part in it whose role is asked for,
    Conflict for a second approval or a request whose time is over.
    """
    _check_time(promotion)
    approver = _check_independence(promotion, actor)
    role = _check_role(promotion, policy, approver)
    _check_once(promotion, approver)
    return approver, role


def counted(promotion: Promotion) -> int:
    """Approvals that still count: whoever got a part in it since has none."""
    given = promotion.approvals.exclude(approver__in=parties_of(promotion))
    return given.filter(approver__is_active=True).count()


def _check_time(promotion: Promotion) -> None:
    if promotion.expires_at is not None and promotion.expires_at <= timezone.now():
        raise Conflict("This request has expired; ask again.")


def _check_independence(promotion: Promotion, actor: Actor) -> int:
    """The person's key."""
    if actor.user_id is None or actor.kind != "user":
        raise NotIndependent("A promotion is approved by a person.")
    if part := parties_of(promotion).get(actor.user_id):
        raise NotIndependent(f"You {part}; somebody without a part in it must decide.")
    return actor.user_id


def _check_role(promotion: Promotion, policy: Policy, approver: int) -> str:
    """The approver's role, which the policy must name now and when it was asked for."""
    allowed = set(policy.roles) & _roles_asked(promotion, policy)
    role = _role_of(promotion, approver)
    if role not in allowed:
        named = " or ".join(sorted(allowed)) or "nobody"
        raise NotIndependent(f"This is approved by members with the role {named}.")
    return role


def _role_of(promotion: Promotion, person: int) -> str:
    members = promotion.project.memberships.filter(user=person)
    return members.values_list("role", flat=True).first() or ""


def _roles_asked(promotion: Promotion, policy: Policy) -> set[str]:
    """Who could approve when it was asked for, as the record of the request says."""
    asked = Event.objects.of(promotion.public_id).filter(tag="promotion:requested").first()
    return set(asked.after.get("roles", policy.roles) if asked else policy.roles)


def _check_once(promotion: Promotion, approver: int) -> None:
    if promotion.approvals.filter(approver=approver).exists():
        raise Conflict("You approved this already; another person's approval is needed.")
