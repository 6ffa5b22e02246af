"""Who a verdict stands for on this platform: a person who is a member of the project it names."""

from hokusai.accounts.models import Membership
from hokusai.web.external.verdicts import Identity, Verdict, public_id_of


def identity_of(verdict: Verdict, *, asked_at: float, epoch: str) -> Identity | None:
    """The identity behind an active verdict; None where nobody here is meant."""
    row = (
        Membership.objects.filter(
            user__username=verdict.username,
            user__is_active=True,
            project__slug=verdict.project,
        )
        .values_list("user_id", "project_id")
        .first()
    )
    if row is None:
        return None
    return Identity(
        public_id=public_id_of(verdict.subject, verdict.project),
        subject=verdict.subject,
        user_id=row[0],
        project_id=row[1],
        scopes=verdict.scopes,
        model_ids=verdict.model_ids,
        expires_at=verdict.expires_at,
        asked_at=asked_at,
        epoch=epoch,
    )
