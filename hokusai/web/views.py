"""What every endpoint shares: who may, how often, once only, and only rows that one may see."""

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404
from rest_framework import mixins, viewsets
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from hokusai.accounts.choices import Scope
from hokusai.accounts.credentials import Credential
from hokusai.accounts.models import Project, User
from hokusai.accounts.permissions import projects_where
from hokusai.accounts.roles import PUBLIC_PERMISSIONS
from hokusai.accounts.services import actor_of
from hokusai.core.errors import DomainError
from hokusai.core.events import Actor
from hokusai.web import idempotency, limits
from hokusai.web.external.admission import STALE_HEADER, STALE_VALUE
from hokusai.web.permissions import ProjectPermission, credential_of
from hokusai.web.schema import ApiSchema

PUBLIC_ID = r"[a-z]+_[0-9a-f]{32}"
SLUG = r"[a-z0-9][a-z0-9-]{0,62}"
MODEL_ID = rf"{SLUG}\.{SLUG}"


class GuardedView(APIView):
    """Counts requests, bounds bodies, asks for permission and answers repeated POSTs once."""

    schema = ApiSchema()
    permission_classes: Any = (ProjectPermission,)
    permissions: ClassVar[Mapping[str, str]] = {}
    scopes: ClassVar[Mapping[str, Scope]] = {}
    person_only: ClassVar[Collection[str]] = ()
    # Actions that a key limited to models may ask for, of these models.
    for_models: ClassVar[Collection[str]] = ()
    secret_fields: ClassVar[Collection[str]] = ()
    rate_group: ClassVar[str] = "api"
    rate: ClassVar[str | None] = None

    def perform_authentication(self, request: Request) -> None:
        """Count whoever asks, also those who are refused."""
        limits.check_body_size(request)
        try:
            super().perform_authentication(request)
        except DomainError:
            # Nobody, as far as limits go; and not to be asked about again.
            request.authenticators = []
            raise
        finally:
            limits.check_rate(request, group=self.rate_group, rate=self.rate)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """All checks; then a POST with an idempotency key runs at most once."""
        super().initial(request, *args, **kwargs)
        if any("\0" in str(part) for part in kwargs.values()):
            # PostgreSQL keeps no NUL, so nothing has such a name.
            raise Http404
        handler = getattr(self, "post", None)
        if request.method == "POST" and handler and idempotency.HEADER in request.headers:
            self.post = idempotency.once(handler, secret_fields=self.secret_fields)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Say so where only the authentication service's silence let somebody in."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        if getattr(getattr(request, "_auth", None), "stale", False):
            answer[STALE_HEADER] = STALE_VALUE
        return answer

    @property
    def key(self) -> Credential | None:
        """The API key of the request, or what stands for one; None for a person."""
        return credential_of(self.request)

    @property
    def person(self) -> User:
        """Who asks; of a key, its owner. Raises NotAuthenticated for nobody."""
        user = self.request.user
        if not isinstance(user, User):
            raise NotAuthenticated
        return user

    @property
    def actor(self) -> Actor:
        """Whom events name."""
        return actor_of(self.person, self.key)

    def checked_project(self, slug: str) -> Project:
        """The project in which the action may be done.

        Raises Http404 for one that is hidden or absent, PermissionDenied where the role is short.
        """
        project = readable_projects(self.request, "accounts.view_project").filter(slug=slug).first()
        if project is None:
            raise Http404
        self.check_object_permissions(self.request, project)
        return project


class ScopedViewSet(GuardedView, viewsets.GenericViewSet):
    """Rows of projects in which the person holds `view_permission`; others are as if absent.

    `project_path` leads from a row to its project's key, `model_path` to its model's id.
    """

    view_permission: ClassVar[str]
    project_path: ClassVar[str] = "project"
    model_path: ClassVar[str] = ""
    lookup_field = "public_id"
    lookup_value_regex = PUBLIC_ID
    ordering_fields: ClassVar[Collection[str]] = ()

    def get_queryset(self) -> QuerySet[Any]:
        """Only rows that the person, or the key, may see."""
        queryset = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return queryset.none()
        rows = self.visible(queryset, self.view_permission, self.project_path)
        key = self.key
        if key is None or not key.model_ids:
            return rows
        if not self.model_path:
            return rows.none()
        return rows.filter(**{f"{self.model_path}__in": key.model_ids})

    def visible(self, queryset: Any, permission: str, path: str) -> QuerySet[Any]:
        """Rows whose project, at the end of `path`, grants a permission to whoever asks."""
        if self.request.user.is_superuser:
            return queryset
        projects = readable_projects(self.request, permission)
        return queryset.filter(**{f"{path}__in": projects.values("pk")})

    def find(self, queryset: Any, permission: str, path: str, **lookup: Any) -> Any:
        """One row that the person may see. Raises Http404 for one hidden or absent."""
        row = self.visible(queryset, permission, path).filter(**lookup).first()
        if row is None:
            raise Http404
        return row


class ReadViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Lists and shows rows; `list` and `retrieve` need the permission to view."""

    def check_permissions(self, request: Request) -> None:
        """Reading needs no second statement: the view permission is it."""
        viewing = {"list": self.view_permission, "retrieve": self.view_permission}
        self.permissions = {**viewing, **self.permissions}  # type: ignore[misc]
        super().check_permissions(request)


def readable_projects(request: Request, permission: str) -> QuerySet[Project]:
    """Projects in which whoever asks holds a permission; of a key, its own project at most."""
    projects = projects_where(request.user, permission)
    if permission in PUBLIC_PERMISSIONS:
        projects = Project.objects.visible_to(request.user)
    if (key := credential_of(request)) is not None:
        projects = projects.filter(pk=key.project_id)
    return projects
