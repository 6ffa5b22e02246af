from contributions import services
from contributions.impact import Impact, impact_of
from contributions.models import Improvement
from experiments.models import Comparison
from hokusai.accounts.models import Project, User
from hokusai.accounts.services import actor_of


class PerformanceTracker:
    """Improvements and credit for Python code that runs beside Django, as one person sees them."""

    def __init__(self, *, user: User) -> None:
        self.user, self.actor = user, actor_of(user)

    def track_improvement(self, comparison: Comparison) -> Improvement | None:
        """Record an accepted comparison as a gain, once, and have its credit attributed.

        None where its baseline no longer leads, or it waits for its confirmation.

        Raises Conflict where the comparison was not accepted.
        """
        return services.record_improvement(comparison_id=comparison.pk, actor=self.actor)

    def log_contribution_impact(self, address: str) -> Impact:
        """What an address is credited with, as far as this person may see it."""
        return impact_of(address, Project.objects.visible_to(self.user))
