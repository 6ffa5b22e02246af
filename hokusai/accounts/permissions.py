"""Default deny: a person may do to an object what their role in its project states."""

from typing import Any

from django.contrib.auth.backends import BaseBackend

from hokusai.accounts.choices import Visibility
from hokusai.accounts.models import Membership, Project, User
from hokusai.accounts.roles import PUBLIC_PERMISSIONS, roles_with


class ProjectBackend(BaseBackend):
    """Answers `user.has_perm(permission, obj)` from the user's role in the object's project."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        if not user_obj.is_active and user_obj.is_authenticated:
            return False
        project = getattr(obj, "project", None)
        if project is None:
            return False
        if perm in PUBLIC_PERMISSIONS and project.visibility == Visibility.PUBLIC:
            return True
        return role_in(user_obj, project) in roles_with(perm)


def role_in(user: Any, project: Project) -> str | None:
    """The role of a person in a project; None for outsiders."""
    if not user.is_authenticated:
        return None
    memberships = _memberships(user)
    return memberships.get(project.pk)


def _memberships(user: User) -> dict[int, str]:
    """Roles by project, read once per user object, which lives for one request."""
    cached: dict[int, str] | None = user.__dict__.get("_roles")
    if cached is None:
        cached = dict(Membership.objects.filter(user=user).values_list("project_id", "role"))
        user.__dict__["_roles"] = cached
    return cached


def projects_where(user: Any, permission: str) -> Any:
    """Projects in which a person holds a permission."""
    if user.is_superuser:
        return Project.objects.all()
    if not user.is_authenticated:
        return Project.objects.none()
    allowed = Membership.objects.filter(user=user, role__in=roles_with(permission))
    return Project.objects.filter(pk__in=allowed.values("project"))
