from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.utils import timezone

from hokusai.accounts.choices import Scope
from hokusai.accounts.models import ApiKey, Membership, Project, default_scopes
from tests.factories import ApiKeyFactory, MembershipFactory, ProjectFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_a_person_has_one_role_in_a_project() -> None:
    membership = MembershipFactory()
    with pytest.raises(IntegrityError, match="membership_once"):
        MembershipFactory(project=membership.project, user=membership.user)


@pytest.mark.parametrize(("model", "field"), [(Membership, "role"), (Project, "visibility")])
def test_a_value_that_the_code_does_not_know_cannot_be_stored(
    model: type[Membership | Project], field: str
) -> None:
    MembershipFactory()
    with pytest.raises(IntegrityError):
        model.objects.update(**{field: "other"})


@pytest.mark.parametrize("slug", ["", "A", "-a", "a_b", "a.b", "a b", "é", "a" * 64, "a\n"])
def test_a_slug_is_legal_everywhere(slug: str) -> None:
    with pytest.raises(ValidationError):
        Project(slug=slug, name="x").clean_fields(exclude=["members"])


@pytest.mark.parametrize("slug", ["a", "0", "a-b", "a" * 63])
def test_a_good_slug_is_taken(slug: str) -> None:
    Project(slug=slug, name="x").clean_fields(exclude=["members"])


def test_a_project_is_its_own_project() -> None:
    project = ProjectFactory()
    assert project.project is project


@pytest.mark.parametrize(
    ("held", "read", "write", "predict"),
    [
        (["read"], True, False, False),
        (["write"], True, True, False),
        (["predict"], False, False, True),
        ([], False, False, False),
    ],
)
def test_a_key_may_do_what_its_scopes_say(
    held: list[str], read: bool, write: bool, predict: bool
) -> None:
    key = ApiKey(scopes=held)
    assert [key.may(scope) for scope in (Scope.READ, Scope.WRITE, Scope.PREDICT)] == [
        read,
        write,
        predict,
    ]


def test_a_key_only_reads_unless_asked_for_more() -> None:
    assert default_scopes() == ["read"]


def test_only_keys_that_still_open_are_usable() -> None:
    now = timezone.now()
    good = ApiKeyFactory()
    lasting = ApiKeyFactory(expires_at=now + timedelta(hours=1))
    ApiKeyFactory(revoked_at=now)
    ApiKeyFactory(expires_at=now - timedelta(seconds=1))
    left = ApiKeyFactory()
    left.owner.is_active = False
    left.owner.save()
    assert set(ApiKey.objects.usable()) == {good, lasting}


def test_a_key_shows_its_name_and_the_visible_part() -> None:
    key = ApiKeyFactory(name="ci", owner=UserFactory())
    assert str(key) == f"ci ({key.prefix}…)"
