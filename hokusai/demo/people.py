"""Step 1's people: made by the command, as an administrator would make them."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from hokusai.accounts import services
from hokusai.accounts.choices import Role, Scope
from hokusai.accounts.models import ApiKey, Membership, Project, User

KEY_NAME = "demo story"
EVERY_SCOPE = [Scope.READ.value, Scope.WRITE.value, Scope.PREDICT.value]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a role in a project; staff may open the console."""

    username: str
    role: Role
    staff: bool = True


def password() -> str:
    """One generated password for the demo's logins, kept beside the other secrets."""
    path = Path(settings.DATA_DIR) / "secrets" / "demo-password"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(12))
    return path.read_text()


def ensure_user(username: str, *, staff: bool, administrator: bool = False) -> User:
    """A person who can log in with the demo's password."""
    user, _ = User.objects.get_or_create(username=username)
    user.is_staff, user.is_superuser = staff or administrator, administrator
    user.email = user.email or f"{username}@example.com"
    user.set_password(password())
    user.save()
    return user


def ensure_project(slug: str, name: str, description: str, people: list[Person]) -> Project:
    """A project made by its first person, with the others as members."""
    users = [ensure_user(person.username, staff=person.staff) for person in people]
    project = Project.objects.filter(slug=slug).first() or services.create_project(
        slug=slug, name=name, description=description, actor=services.actor_of(users[0])
    )
    for user, person in zip(users[1:], people[1:], strict=True):
        held = Membership.objects.filter(project=project, user=user).first()
        if held is None or held.role != person.role:
            services.set_member(
                project=project,
                user=user,
                role=person.role,
                actor=services.actor_of(users[0]),
            )
    return project


def fresh_key(project: Project, username: str) -> str:
    """A new API key of a member; those of earlier runs end."""
    owner = User.objects.get(username=username)
    actor = services.actor_of(owner)
    old = ApiKey.objects.filter(project=project, owner=owner, name=KEY_NAME, revoked_at=None)
    for key in old:
        services.revoke_api_key(key_id=key.pk, actor=actor)
    shown = services.create_api_key(
        project=project, owner=owner, name=KEY_NAME, scopes=EVERY_SCOPE, actor=actor
    )
    return shown.secret
