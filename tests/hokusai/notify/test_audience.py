import pytest

from hokusai.accounts.choices import Role
from hokusai.accounts.models import Project, User
from hokusai.accounts.services import actor_of
from hokusai.core.events import Actor
from hokusai.core.models import Event
from hokusai.notify.audience import person_behind, recipients_of, topics_of
from hokusai.notify.choices import Topic
from tests.factories import (
    EventFactory,
    MembershipFactory,
    ProjectFactory,
    SubscriptionFactory,
    UserFactory,
    api_key,
    member,
)

pytestmark = pytest.mark.django_db
STRANGER = Actor("user", "usr_0", "stranger")


@pytest.fixture
def project() -> Project:
    return ProjectFactory()


def happened(project: Project, tag: str, actor: Actor = STRANGER, subject: str = "prm_1") -> Event:
    return EventFactory(tag=tag, project_id=project.pk, subject=subject, actor=str(actor))


def told(event: Event, topic: Topic, project: Project) -> set[User]:
    return set(recipients_of(event, topic, project))


def test_reviewers_and_owners_hear_of_requests_and_others_do_not(project: Project) -> None:
    people = {role: member(project, role) for role in Role}
    event = happened(project, "promotion:requested")
    expected = {people[Role.REVIEWER], people[Role.OWNER]}
    assert told(event, Topic.PROMOTION_REQUESTED, project) == expected


def test_whoever_asked_hears_of_the_decision(project: Project) -> None:
    asked, other = member(project), member(project)
    happened(project, "promotion:requested", actor_of(asked))
    event = happened(project, "promotion:approved")
    assert told(event, Topic.PROMOTION_DECIDED, project) == {asked}
    assert other not in told(event, Topic.PROMOTION_DECIDED, project)


def test_whoever_asked_through_a_key_hears_of_the_decision(project: Project) -> None:
    key, _ = api_key(project)
    happened(project, "promotion:requested", actor_of(key.owner, key))
    event = happened(project, "promotion:refused")
    assert told(event, Topic.PROMOTION_DECIDED, project) == {key.owner}


def test_nobody_hears_of_what_they_did_themselves(project: Project) -> None:
    owner, other = member(project, Role.OWNER), member(project, Role.OWNER)
    SubscriptionFactory(project=project, user=owner, topic=Topic.PROMOTION_DECIDED, wanted=True)
    event = happened(project, "promotion:approved", actor_of(owner))
    assert told(event, Topic.PROMOTION_DECIDED, project) == {other}


def test_a_choice_wins_over_the_role_in_both_directions(project: Project) -> None:
    silent, curious = member(project, Role.OWNER), member(project, Role.VIEWER)
    topic = Topic.PROMOTION_REQUESTED
    SubscriptionFactory(project=project, user=silent, topic=topic, wanted=False)
    SubscriptionFactory(project=project, user=curious, topic=topic, wanted=True)
    assert told(happened(project, "promotion:requested"), topic, project) == {curious}


def test_a_choice_silences_also_what_one_asked_for(project: Project) -> None:
    asked = member(project)
    happened(project, "promotion:requested", actor_of(asked))
    SubscriptionFactory(project=project, user=asked, topic=Topic.PROMOTION_DECIDED, wanted=False)
    assert told(happened(project, "promotion:approved"), Topic.PROMOTION_DECIDED, project) == set()


def test_a_choice_holds_for_its_project_alone(project: Project) -> None:
    person = member(project, Role.VIEWER)
    elsewhere = ProjectFactory()
    MembershipFactory(project=elsewhere, user=person, role=Role.VIEWER)
    SubscriptionFactory(project=elsewhere, user=person, topic=Topic.VERSION_READY, wanted=True)
    event = happened(project, "version:ready", subject="mdv_1")
    assert told(event, Topic.VERSION_READY, project) == set()


def test_who_left_has_no_address_or_a_closed_account_is_not_told(project: Project) -> None:
    left = UserFactory()
    SubscriptionFactory(project=project, user=left, topic=Topic.VERSION_READY, wanted=True)
    for person in (
        member(project, Role.OWNER, is_active=False),
        member(project, Role.OWNER, email=""),
    ):
        SubscriptionFactory(project=project, user=person, topic=Topic.VERSION_READY, wanted=True)
    event = happened(project, "version:ready", subject="mdv_1")
    assert told(event, Topic.VERSION_READY, project) == set()


def test_the_platform_and_the_unknown_are_nobody() -> None:
    assert person_behind("system:hokusai") is None
    assert person_behind("user:usr_nobody") is None
    assert person_behind("key:key_nobody") is None
    assert person_behind("") is None


def test_every_topic_has_a_choice_whose_origin_is_told(project: Project) -> None:
    owner = MembershipFactory(project=project, role=Role.OWNER)
    choices = {row.topic: row for row in topics_of(owner, {"promotion.requested": False})}
    assert set(choices) == set(Topic)
    assert (
        choices[Topic.PROMOTION_REQUESTED].wanted,
        choices[Topic.PROMOTION_REQUESTED].chosen,
    ) == (
        False,
        False,
    )
    assert choices[Topic.PROMOTION_DECIDED].wanted
    assert choices[Topic.PROMOTION_DECIDED].chosen is None
