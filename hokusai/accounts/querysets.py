from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from hokusai.accounts.choices import Visibility

if TYPE_CHECKING:
    from hokusai.accounts.models import User


class ProjectQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> Self:
        """Public projects and those that the user belongs to; everything for a superuser."""
        if getattr(user, "is_superuser", False):
            return self
        allowed = Q(visibility=Visibility.PUBLIC)
        if user.is_authenticated:
            allowed |= Q(pk__in=user.memberships.values("project"))
        return self.filter(allowed)

    def of_member(self, user: "User") -> Self:
        """Projects that the user belongs to; all for a superuser."""
        if user.is_superuser:
            return self
        if not user.is_authenticated:
            return self.none()
        return self.filter(pk__in=user.memberships.values("project"))


class ScopedQuerySet(models.QuerySet):
    """Rows of projects; `project_path` leads from a row to its project."""

    project_path = "project"

    def visible_to(self, user: Any) -> Self:
        """Rows of projects that the user may see at all."""
        if getattr(user, "is_superuser", False):
            return self
        visible = apps.get_model("accounts", "Project").objects.visible_to(user)
        return self.filter(**{f"{self.project_path}__in": visible})

    def of_member(self, user: Any) -> Self:
        """Rows of projects that the user belongs to."""
        if getattr(user, "is_superuser", False):
            return self
        own = apps.get_model("accounts", "Project").objects.of_member(user)
        return self.filter(**{f"{self.project_path}__in": own})


class ApiKeyQuerySet(ScopedQuerySet):
    def usable(self) -> Self:
        """Neither revoked nor expired, of an owner who may log in."""
        return self.filter(
            Q(expires_at__isnull=True) | Q(expires_at__gt=Now()),
            revoked_at__isnull=True,
            owner__is_active=True,
        )
