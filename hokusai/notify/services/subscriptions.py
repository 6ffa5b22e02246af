from collections.abc import Collection, Mapping

from django.db import transaction

from hokusai.accounts.models import Membership, Project, User
from hokusai.core.errors import Forbidden, InvalidInput, NotFound
from hokusai.core.events import Actor, record
from hokusai.notify.choices import Topic
from hokusai.notify.models import Subscription


@transaction.atomic
def choose(
    *, project: Project, user: User, choices: Mapping[str, bool | None], actor: Actor
) -> None:
    """Set what a member is told of; None goes back to the default, topics not named stay.

    Raises InvalidInput for an unknown topic, NotFound for no member, Forbidden for another's.
    """
    if actor.user_id != user.pk:
        raise Forbidden("A member changes only their own choices.")
    if not Membership.objects.filter(project=project, user=user).exists():
        raise NotFound("You are no member of this project.")
    check_topics(choices)
    own = Subscription.objects.of(user).filter(project=project)
    before = dict(own.values_list("topic", "wanted"))
    for topic, wanted in choices.items():
        if wanted is None:
            own.filter(topic=topic).delete()
        else:
            Subscription.objects.update_or_create(
                project=project, user=user, topic=topic, defaults={"wanted": wanted}
            )
    after = dict(own.values_list("topic", "wanted"))
    record(
        "notifications:chosen",
        subject=user.public_id,
        actor=actor,
        project_id=project.pk,
        label=user.username,
        before=before,
        after=after,
    )


def check_topics(topics: Collection[str]) -> None:
    """Raises InvalidInput that names what is no topic."""
    if unknown := sorted(set(topics) - set(Topic.values)):
        raise InvalidInput(f"Topics are {', '.join(Topic.values)}.", unknown=unknown)
