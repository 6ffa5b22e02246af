from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from hokusai.accounts.models import Membership, Project, User
from hokusai.notify.audience import TopicChoice, topics_of
from hokusai.notify.models import Subscription


@dataclass(frozen=True, slots=True)
class ProjectChoices:
    """What a member is told of in one project."""

    project: Project
    role: str
    topics: Sequence[TopicChoice]


def choices_of(user: User, project: Project | None = None) -> list[ProjectChoices]:
    """A person's choices in their projects, or in one; two queries."""
    memberships = Membership.objects.filter(user=user).select_related("project")
    if project is not None:
        memberships = memberships.filter(project=project)
    chosen: dict[int, dict[str, bool]] = defaultdict(dict)
    for row in Subscription.objects.of(user):
        chosen[row.project_id][row.topic] = row.wanted
    return [
        ProjectChoices(member.project, member.role, topics_of(member, chosen[member.project_id]))
        for member in memberships.order_by("project__slug")
    ]
