import pytest
from django.contrib.auth.models import AnonymousUser
from pytest_django import DjangoAssertNumQueries

from hokusai.accounts.choices import Role, Visibility
from hokusai.accounts.models import Project
from hokusai.accounts.permissions import ProjectBackend, projects_where, role_in
from hokusai.accounts.roles import PERMISSIONS, PUBLIC_PERMISSIONS
from registry.models import Dataset, Model
from tests.factories import (
    DatasetFactory,
    ModelFactory,
    ModelVersionFactory,
    ProjectFactory,
    SuperuserFactory,
    UserFactory,
    member,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("role", list(Role))
def test_a_role_holds_exactly_what_the_matrix_states(role: Role) -> None:
    project = ProjectFactory()
    user = member(project, role)
    held = {permission for permission in PERMISSIONS if user.has_perm(permission, project)}
    assert held == {permission for permission, roles in PERMISSIONS.items() if role in roles}


def test_a_role_counts_in_its_own_project_alone() -> None:
    user = member(ProjectFactory(), Role.OWNER)
    elsewhere = ProjectFactory()
    assert not any(user.has_perm(permission, elsewhere) for permission in PERMISSIONS)


def test_rows_are_asked_for_their_project() -> None:
    version = ModelVersionFactory()
    user = member(version.model.project, Role.ENGINEER)
    assert user.has_perm("registry.register_version", version.model)
    assert user.has_perm("registry.request_promotion", version)
    assert not user.has_perm("registry.decide_promotion", version)


@pytest.mark.parametrize("user", [AnonymousUser, UserFactory], ids=["anonymous", "outsider"])
@pytest.mark.parametrize("visibility", list(Visibility))
def test_outsiders_see_what_is_public_and_nothing_more(user: type, visibility: Visibility) -> None:
    project, visitor = ProjectFactory(visibility=visibility), user()
    held = {permission for permission in PERMISSIONS if visitor.has_perm(permission, project)}
    assert held == (PUBLIC_PERMISSIONS if visibility == Visibility.PUBLIC else set())


def test_nothing_is_held_over_nothing() -> None:
    user = member(ProjectFactory(), Role.OWNER)
    assert not user.has_perm("registry.view_model")
    assert not ProjectBackend().has_perm(user, "registry.view_model", object())


def test_who_may_not_log_in_holds_nothing() -> None:
    project = ProjectFactory(visibility=Visibility.PUBLIC)
    user = member(project, Role.OWNER, is_active=False)
    assert not user.has_perm("registry.view_model", project)


def test_a_superuser_holds_everything_as_long_as_active() -> None:
    project = ProjectFactory()
    assert SuperuserFactory().has_perm("accounts.manage_members", project)
    assert not SuperuserFactory(is_active=False).has_perm("accounts.manage_members", project)


def test_roles_are_read_once_for_a_request(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    models = [ModelFactory() for _ in range(5)]
    user = member(models[0].project)
    with django_assert_num_queries(1):
        allowed = [user.has_perm("registry.register_version", model) for model in models]
    assert allowed == [True, False, False, False, False]


def test_the_role_of_a_member_and_of_an_outsider() -> None:
    project = ProjectFactory()
    assert role_in(member(project, Role.REVIEWER), project) == Role.REVIEWER
    assert role_in(UserFactory(), project) is None
    assert role_in(AnonymousUser(), project) is None


def test_projects_where_a_person_may() -> None:
    own, looked_at = ProjectFactory(), ProjectFactory(visibility=Visibility.PUBLIC)
    user = member(own, Role.ENGINEER)
    assert set(projects_where(user, "registry.register_version")) == {own}
    assert set(projects_where(user, "registry.decide_promotion")) == set()
    assert set(projects_where(AnonymousUser(), "registry.view_model")) == set()
    assert set(projects_where(SuperuserFactory(), "x.y")) == {own, looked_at}


def test_what_is_visible_and_what_is_ones_own() -> None:
    own, public, private = (DatasetFactory() for _ in range(3))
    Project.objects.filter(pk=public.project_id).update(visibility=Visibility.PUBLIC)
    user, nobody = member(own.project, Role.VIEWER), AnonymousUser()
    assert set(Dataset.objects.visible_to(user)) == {own, public}
    assert set(Dataset.objects.of_member(user)) == {own}
    assert set(Dataset.objects.visible_to(nobody)) == {public}
    assert set(Dataset.objects.of_member(nobody)) == set()
    root = SuperuserFactory()
    assert set(Dataset.objects.visible_to(root)) == {own, public, private}
    assert set(Dataset.objects.of_member(root)) == {own, public, private}


def test_a_membership_that_ended_ends_at_once() -> None:
    model = ModelFactory()
    user = member(model.project)
    assert Model.objects.visible_to(user).exists()
    user.memberships.all().delete()
    assert not Model.objects.visible_to(user).exists()
