"""Who wants to be told of an event: each member's choice, else what fits their role."""

from collections.abc import Sequence
from dataclasses import dataclass

from hokusai.accounts.choices import Role
from hokusai.accounts.models import ApiKey, Membership, Project, User
from hokusai.core.models import Event
from hokusai.notify.choices import Topic
from hokusai.notify.models import Subscription

_DECIDERS = frozenset({Role.REVIEWER.value, Role.OWNER.value})
_BUILDERS = frozenset({Role.ENGINEER.value, Role.OWNER.value})
# Whoever chose nothing hears of these, by role; of all else nobody does.
ROLES_BY_DEFAULT: dict[Topic, frozenset[str]] = {
    Topic.PROMOTION_REQUESTED: _DECIDERS,
    Topic.PROMOTION_DECIDED: _DECIDERS,
    Topic.SYNC_CONFLICT: _BUILDERS,
    Topic.WEBHOOK_DISABLED: frozenset({Role.OWNER.value}),
}
# Whoever began it hears how it went: the event with this tag, of the same subject, names them.
BEGUN_BY: dict[Topic, str] = {
    Topic.PROMOTION_DECIDED: "promotion:requested",
    Topic.VERSION_FAILED: "version:registered",
}


@dataclass(frozen=True, slots=True)
class TopicChoice:
    """What a member hears of one topic; `chosen` None where a default decides."""

    topic: Topic
    wanted: bool
    chosen: bool | None


def topics_of(membership: Membership, chosen: dict[str, bool]) -> list[TopicChoice]:
    """Every topic with a member's choice; what they began themselves comes on top."""
    return [
        TopicChoice(
            topic,
            chosen.get(topic.value, wanted_by_default(topic, membership.role)),
            chosen.get(topic.value),
        )
        for topic in Topic
    ]


def wanted_by_default(topic: Topic, role: str) -> bool:
    """Whether a role hears of a topic unless its holder chose otherwise."""
    return role in ROLES_BY_DEFAULT.get(topic, frozenset())


def recipients_of(event: Event, topic: Topic, project: Project) -> Sequence[User]:
    """Members, with an address and an open account, who want it; never whoever did it."""
    members = (
        Membership.objects.filter(project=project, user__is_active=True)
        .exclude(user__email="")
        .select_related("user")
    )
    chosen = dict(
        Subscription.objects.filter(project=project, topic=topic).values_list("user_id", "wanted")
    )
    did, began = person_behind(event.actor), _beginner(event, topic)
    return [
        member.user
        for member in members
        if member.user_id != did
        and chosen.get(
            member.user_id, member.user_id == began or wanted_by_default(topic, member.role)
        )
    ]


def _beginner(event: Event, topic: Topic) -> int | None:
    tag = BEGUN_BY.get(topic)
    if tag is None:
        return None
    begun = Event.objects.of(event.subject).filter(tag=tag).first()
    return person_behind(begun.actor) if begun else None


def person_behind(actor: str) -> int | None:
    """The key of the person an event's actor stands for: of an API key, its owner."""
    kind, _, public_id = actor.partition(":")
    if kind == "user":
        return User.objects.filter(public_id=public_id).values_list("pk", flat=True).first()
    if kind == "key":
        return ApiKey.objects.filter(public_id=public_id).values_list("owner_id", flat=True).first()
    return None
