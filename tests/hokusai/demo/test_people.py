from pathlib import Path

import pytest
from pytest_django import Settings

from hokusai.accounts.choices import Role
from hokusai.accounts.models import ApiKey, User
from hokusai.demo.people import Person, ensure_project, fresh_key, password

pytestmark = pytest.mark.django_db
PEOPLE = [Person("ada", Role.OWNER), Person("chidi", Role.CONTRIBUTOR, staff=False)]


@pytest.fixture(autouse=True)
def _folder(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


def test_the_password_is_generated_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    assert password() == password()
    assert (tmp_path / "secrets" / "demo-password").stat().st_mode & 0o077 == 0


def test_making_the_people_twice_is_the_same_as_once() -> None:
    project = ensure_project("digits", "Digits", "", PEOPLE)
    assert ensure_project("digits", "Digits", "", PEOPLE) == project
    roles = dict(project.memberships.values_list("user__username", "role"))
    assert roles == {"ada": "owner", "chidi": "contributor"}
    assert not User.objects.get(username="chidi").is_staff
    assert User.objects.get(username="ada").check_password(password())


def test_a_new_telling_ends_the_keys_of_earlier_ones() -> None:
    project = ensure_project("digits", "Digits", "", PEOPLE)
    first = fresh_key(project, "ada")
    assert fresh_key(project, "ada") != first
    assert ApiKey.objects.filter(owner__username="ada").count() == 2
    assert ApiKey.objects.usable().filter(owner__username="ada").count() == 1
