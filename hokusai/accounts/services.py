import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from hokusai.accounts import keys
from hokusai.accounts.choices import Role, Scope, Visibility
from hokusai.accounts.credentials import Credential
from hokusai.accounts.model_names import model_names
from hokusai.accounts.models import ApiKey, Invitation, Membership, Project, User
from hokusai.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from hokusai.core.events import Actor, record

INVITATION_DAYS = 14
MAX_MODELS = 100


def person_of(user: User | AnonymousUser) -> User:
    """Who is logged in. Raises Forbidden for nobody."""
    if not isinstance(user, User):
        raise Forbidden("Log in first.")
    return user


@dataclass(frozen=True, slots=True)
class Shown:
    """A secret that is shown this once, beside the row that keeps its hash."""

    row: ApiKey | Invitation
    secret: str


def actor_of(user: User, key: Credential | None = None) -> Actor:
    """The actor that events name: a key acts for its owner."""
    if key is not None:
        return Actor("key", key.public_id, f"{user.username} ({key.name})", user.pk)
    return Actor("user", user.public_id, user.username, user.pk)


@transaction.atomic
def create_project(
    *,
    slug: str,
    name: str,
    actor: Actor,
    description: str = "",
    visibility: str = Visibility.PRIVATE,
) -> Project:
    """Make a project whose owner is whoever asks. Raises Conflict where the slug is taken."""
    if actor.user_id is None:
        raise Forbidden("A project is made by a person.")
    project, made = Project.objects.get_or_create(
        slug=slug, defaults={"name": name, "description": description, "visibility": visibility}
    )
    if not made:
        raise Conflict(f"The name {slug!r} is taken.", slug=slug)
    Membership.objects.create(project=project, user_id=actor.user_id, role=Role.OWNER)
    _record("project:created", project, actor, after={"slug": slug, "visibility": visibility})
    return project


@transaction.atomic
def set_member(*, project: Project, user: User, role: Role, actor: Actor) -> Membership:
    """Give a person a role. Raises Conflict where the project would lose its last owner."""
    Project.objects.select_for_update().get(pk=project.pk)
    existing = Membership.objects.filter(project=project, user=user).first()
    before = existing.role if existing else None
    if before == Role.OWNER and role != Role.OWNER:
        _keep_an_owner(project, user)
    membership, _ = Membership.objects.update_or_create(
        project=project, user=user, defaults={"role": role}
    )
    _record(
        "membership:set",
        project,
        actor,
        before={"user": user.username, "role": before},
        after={"user": user.username, "role": role},
    )
    return membership


@transaction.atomic
def remove_member(*, project: Project, user: User, actor: Actor) -> None:
    """Take a person's role and keys away. Raises NotFound, or Conflict for the last owner."""
    Project.objects.select_for_update().get(pk=project.pk)
    membership = Membership.objects.filter(project=project, user=user).first()
    if membership is None:
        raise NotFound(f"{user.username} is no member of {project.slug}.")
    if membership.role == Role.OWNER:
        _keep_an_owner(project, user)
    membership.delete()
    ApiKey.objects.filter(project=project, owner=user, revoked_at=None).update(revoked_at=Now())
    _record(
        "membership:removed",
        project,
        actor,
        before={"user": user.username, "role": membership.role},
    )


def _keep_an_owner(project: Project, leaving: User) -> None:
    others = Membership.objects.filter(project=project, role=Role.OWNER).exclude(user=leaving)
    if not others.exists():
        raise Conflict("A project keeps at least one owner; make somebody else owner first.")


@transaction.atomic
def invite(*, project: Project, email: str, role: Role, actor: Actor) -> Shown:
    """Offer a role to an address; whoever holds the token within 14 days may accept."""
    if actor.user_id is None:
        raise Forbidden("An invitation is made by a person.")
    secret = keys.new_secret()
    invitation = Invitation.objects.create(
        project=project,
        email=email,
        role=role,
        token_hash=_token_hash(secret),
        invited_by_id=actor.user_id,
        expires_at=timezone.now() + timedelta(days=INVITATION_DAYS),
    )
    _record("invitation:made", project, actor, after={"email": email, "role": role})
    return Shown(invitation, secret)


@transaction.atomic
def accept_invitation(*, token: str, user: User) -> Membership:
    """Join the project that a token offers. Raises NotFound for one unknown, used or expired."""
    invitation = (
        Invitation.objects.select_for_update()
        .filter(token_hash=_token_hash(token), accepted_by=None, expires_at__gt=Now())
        .first()
    )
    if invitation is None:
        raise NotFound("This invitation is unknown, used or expired; ask for a new one.")
    if Membership.objects.filter(project=invitation.project, user=user).exists():
        raise Conflict("You are a member of this project already.")
    invitation.accepted_by = user
    invitation.save(update_fields=["accepted_by"])
    return set_member(
        project=invitation.project, user=user, role=Role(invitation.role), actor=actor_of(user)
    )


def _token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@transaction.atomic
def create_api_key(
    *,
    project: Project,
    owner: User,
    name: str,
    scopes: list[str],
    actor: Actor,
    expires_at: datetime | None = None,
    model_ids: Iterable[str] = (),
) -> Shown:
    """Make a key for a member, perhaps for some models alone.

    Raises InvalidInput for unknown scopes, models that the project lacks, a scope to write for some
    models alone, or a date that is past.
    """
    unknown = set(scopes) - set(Scope.values)
    if unknown or not scopes:
        raise InvalidInput(f"Scopes are {', '.join(Scope.values)}.", unknown=sorted(unknown))
    if expires_at is not None and expires_at <= timezone.now():
        raise InvalidInput("The key would have expired already; choose a later time.")
    if not Membership.objects.filter(project=project, user=owner).exists():
        raise Forbidden("A key is made for a member of its project.")
    chosen = _checked_models(project, model_ids, scopes)
    secret = keys.new_secret()
    key = ApiKey.objects.create(
        project=project,
        owner=owner,
        name=name,
        prefix=keys.visible_prefix(secret),
        secret_hash=keys.secret_hash(secret),
        scopes=sorted(set(scopes)),
        model_ids=chosen,
        expires_at=expires_at,
    )
    stated: dict[str, object] = {"key": key.public_id, "scopes": key.scopes}
    stated["model_ids"] = key.model_ids
    _record("api-key:created", project, actor, after=stated)
    return Shown(key, secret)


def _checked_models(project: Project, model_ids: Iterable[str], scopes: list[str]) -> list[str]:
    wanted = sorted(set(model_ids))
    if len(wanted) > MAX_MODELS:
        raise InvalidInput(f"A key names at most {MAX_MODELS} models.", field="model_ids")
    if wanted and Scope.WRITE in scopes:
        raise InvalidInput("A key for some models alone reads and predicts; it cannot write.")
    unknown = set(wanted) - model_names().known(project.pk, wanted) if wanted else set()
    if unknown:
        raise InvalidInput(
            f"The project has no model {min(unknown)}.", field="model_ids", unknown=sorted(unknown)
        )
    return wanted


@transaction.atomic
def revoke_api_key(*, key_id: int, actor: Actor) -> ApiKey:
    """End a key at once; ending it twice is the same as once."""
    key = ApiKey.objects.select_for_update().get(pk=key_id)
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])
        _record("api-key:revoked", key.project, actor, after={"key": key.public_id})
    return key


def _record(
    tag: str,
    project: Project,
    actor: Actor,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    record(
        tag,
        subject=project.public_id,
        actor=actor,
        project_id=project.pk,
        label=project.slug,
        before=before,
        after=after,
    )
