"""People who are logged in to the console, for the tests of all its pages."""

from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.test import Client

from hokusai.accounts.choices import Role
from hokusai.accounts.models import Project, User
from tests.factories import MembershipFactory, UserFactory


@dataclass(frozen=True)
class Staff:
    """A person of the console, logged in."""

    user: User
    client: Client


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def staff_in(project: Project | None, role: Role) -> Staff:
    """Somebody who is staff, with a role in a project or in none."""
    user = UserFactory(is_staff=True)
    if project is not None:
        MembershipFactory(project=project, user=user, role=role)
    return Staff(get_user_model().objects.get(pk=user.pk), logged_in(user))


SENT = {"_form_submitted": "True"}
