from datetime import timedelta
from functools import partial

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from hokusai.accounts import keys, services
from hokusai.accounts.choices import Role
from hokusai.accounts.models import ApiKey, Invitation, Membership, Project
from hokusai.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from hokusai.core.events import SYSTEM, Actor
from hokusai.core.models import Event
from tests.factories import (
    ApiKeyFactory,
    InvitationFactory,
    MembershipFactory,
    ModelFactory,
    ProjectFactory,
    UserFactory,
    member,
)
from tests.racing import race

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _quiet_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks are not sent: a test runs what it is about."""
    monkeypatch.setattr("hokusai.core.doorbell.ring", lambda *task, **where: None)


@pytest.fixture
def project() -> Project:
    found: Project = ProjectFactory()
    return found


@pytest.fixture
def owner(project: Project) -> Actor:
    return services.actor_of(member(project, Role.OWNER))


def last_event(project: Project) -> Event:
    return Event.objects.filter(subject=project.public_id).latest("id")


def test_an_actor_is_a_person_or_a_persons_key() -> None:
    key = ApiKeyFactory()
    person, program = services.actor_of(key.owner), services.actor_of(key.owner, key)
    assert str(person) == f"user:{key.owner.public_id}"
    assert str(program) == f"key:{key.public_id}"
    assert person.user_id == program.user_id == key.owner.pk
    assert key.name in program.label


def test_nobody_is_no_person() -> None:
    with pytest.raises(Forbidden):
        services.person_of(AnonymousUser())


def test_whoever_makes_a_project_owns_it() -> None:
    user = UserFactory()
    project = services.create_project(slug="vision", name="Vision", actor=services.actor_of(user))
    assert project.memberships.get().role == Role.OWNER
    assert last_event(project).tag == "project:created"


def test_a_taken_name_is_a_conflict(owner: Actor, project: Project) -> None:
    with pytest.raises(Conflict):
        services.create_project(slug=project.slug, name="Other", actor=owner)


def test_a_project_is_made_by_a_person() -> None:
    with pytest.raises(Forbidden):
        services.create_project(slug="vision", name="Vision", actor=SYSTEM)


def test_a_role_is_given_and_changed(project: Project, owner: Actor) -> None:
    user = UserFactory()
    for role in (Role.VIEWER, Role.ENGINEER):
        services.set_member(project=project, user=user, role=role, actor=owner)
    assert project.memberships.get(user=user).role == Role.ENGINEER
    event = last_event(project)
    assert (event.before["role"], event.after["role"]) == ("viewer", "engineer")


def test_the_last_owner_stays(project: Project, owner: Actor) -> None:
    user = project.members.get()
    with pytest.raises(Conflict):
        services.set_member(project=project, user=user, role=Role.VIEWER, actor=owner)
    with pytest.raises(Conflict):
        services.remove_member(project=project, user=user, actor=owner)
    member(project, Role.OWNER)
    services.remove_member(project=project, user=user, actor=owner)
    assert not project.memberships.filter(user=user).exists()


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_leave_at_the_same_time_leave_one(project: Project) -> None:
    users = [member(project, Role.OWNER) for _ in range(2)]
    outcomes = race(
        *[
            lambda u=u: services.remove_member(project=project, user=u, actor=services.actor_of(u))
            for u in users
        ]
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "NoneType"]
    assert project.memberships.filter(role=Role.OWNER).count() == 1


def test_whoever_leaves_loses_their_keys_of_that_project(project: Project, owner: Actor) -> None:
    user = member(project)
    here = ApiKeyFactory(project=project, owner=user)
    other = MembershipFactory(user=user).project
    there = ApiKeyFactory(project=other, owner=user)
    services.remove_member(project=project, user=user, actor=owner)
    assert set(ApiKey.objects.usable()) == {there}
    assert here.owner == user


def test_removing_who_is_no_member_is_not_found(project: Project, owner: Actor) -> None:
    with pytest.raises(NotFound):
        services.remove_member(project=project, user=UserFactory(), actor=owner)


def test_an_invitation_is_accepted_once(project: Project, owner: Actor) -> None:
    shown = services.invite(
        project=project, email="guest@example.org", role=Role.REVIEWER, actor=owner
    )
    user = UserFactory()
    membership = services.accept_invitation(token=shown.secret, user=user)
    assert (membership.project, membership.role) == (project, Role.REVIEWER)
    with pytest.raises(NotFound):
        services.accept_invitation(token=shown.secret, user=UserFactory())


@pytest.mark.django_db(transaction=True)
def test_of_two_who_accept_one_invitation_one_joins(project: Project, owner: Actor) -> None:
    shown = services.invite(project=project, email="g@example.org", role=Role.VIEWER, actor=owner)
    users = [UserFactory(), UserFactory()]
    outcomes = race(
        *[lambda u=u: services.accept_invitation(token=shown.secret, user=u) for u in users]
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Membership", "NotFound"]


def test_the_token_is_not_kept(project: Project, owner: Actor) -> None:
    shown = services.invite(project=project, email="g@example.org", role=Role.VIEWER, actor=owner)
    stored = Invitation.objects.filter(pk=shown.row.pk).values().get()
    assert shown.secret not in repr(stored)
    assert shown.secret not in repr(list(Event.objects.values()))


def test_an_expired_or_unknown_invitation_is_not_found() -> None:
    invitation = InvitationFactory(
        token_hash=services._token_hash("late"), expires_at=timezone.now()
    )
    for token in ("late", "unknown", ""):
        with pytest.raises(NotFound):
            services.accept_invitation(token=token, user=UserFactory())
    assert not Membership.objects.filter(project=invitation.project).exists()


def test_an_invitation_does_not_change_a_members_role(project: Project, owner: Actor) -> None:
    shown = services.invite(project=project, email="g@example.org", role=Role.OWNER, actor=owner)
    user = member(project, Role.VIEWER)
    with pytest.raises(Conflict):
        services.accept_invitation(token=shown.secret, user=user)
    assert project.memberships.get(user=user).role == Role.VIEWER


def test_a_key_is_shown_once_and_kept_as_a_hash(project: Project, owner: Actor) -> None:
    user = member(project)
    shown = services.create_api_key(
        project=project, owner=user, name="ci", scopes=["write", "read", "read"], actor=owner
    )
    key = ApiKey.objects.get()
    assert bytes(key.secret_hash) == keys.secret_hash(shown.secret)
    assert (key.scopes, key.prefix) == (["read", "write"], shown.secret[:10])
    assert shown.secret not in repr(ApiKey.objects.values().get())
    assert shown.secret not in repr(list(Event.objects.values()))


@pytest.mark.parametrize("scopes", [[], ["admin"], ["read", "admin"]])
def test_scopes_that_do_not_exist_are_refused(
    scopes: list[str], project: Project, owner: Actor
) -> None:
    with pytest.raises(InvalidInput):
        services.create_api_key(
            project=project, owner=member(project), name="ci", scopes=scopes, actor=owner
        )


def test_a_key_that_would_have_expired_is_refused(project: Project, owner: Actor) -> None:
    with pytest.raises(InvalidInput):
        services.create_api_key(
            project=project,
            owner=member(project),
            name="ci",
            scopes=["read"],
            actor=owner,
            expires_at=timezone.now() - timedelta(seconds=1),
        )


def test_a_key_is_made_for_a_member(project: Project, owner: Actor) -> None:
    with pytest.raises(Forbidden):
        services.create_api_key(
            project=project, owner=UserFactory(), name="ci", scopes=["read"], actor=owner
        )


def test_a_key_for_some_models_names_models_of_its_project(project: Project, owner: Actor) -> None:
    model, foreign = ModelFactory(project=project), ModelFactory()
    make = partial(
        services.create_api_key,
        project=project,
        owner=member(project),
        name="ci",
        actor=owner,
    )
    key = make(scopes=["read", "predict"], model_ids=[model.model_id, model.model_id]).row
    assert key.model_ids == [model.model_id]
    event = Event.objects.filter(tag="api-key:created").latest("pk")
    assert event.after["model_ids"] == [model.model_id]
    for unknown in (foreign.model_id, f"{project.slug}.absent"):
        with pytest.raises(InvalidInput, match=unknown):
            make(scopes=["read"], model_ids=[unknown])
    with pytest.raises(InvalidInput, match="cannot write"):
        make(scopes=["read", "write"], model_ids=[model.model_id])


def test_a_key_for_some_models_never_writes() -> None:
    key = ApiKeyFactory(scopes=["read", "write", "predict"], model_ids=["tides.forecast"])
    assert [key.may(scope) for scope in ("read", "write", "predict")] == [True, False, True]
    assert key.may_use("tides.forecast")
    assert not key.may_use("tides.other")


def test_ending_a_key_twice_is_the_same_as_once(owner: Actor) -> None:
    key = ApiKeyFactory()
    first = services.revoke_api_key(key_id=key.pk, actor=owner).revoked_at
    assert services.revoke_api_key(key_id=key.pk, actor=owner).revoked_at == first
    assert Event.objects.filter(tag="api-key:revoked").count() == 1
