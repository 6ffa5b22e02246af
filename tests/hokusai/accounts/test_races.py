import pytest

from hokusai.accounts import services
from hokusai.accounts.models import Project
from hokusai.core.errors import Conflict
from tests.factories import UserFactory
from tests.racing import race

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_projects_of_one_name_at_once_are_one_and_a_conflict() -> None:
    actors = [services.actor_of(UserFactory()) for _ in range(2)]
    results = race(
        *(
            lambda actor=actor: services.create_project(slug="digits", name="Digits", actor=actor)
            for actor in actors
        )
    )
    assert {type(result) for result in results} == {Project, Conflict}
    assert Project.objects.count() == 1
