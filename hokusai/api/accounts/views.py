from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from hokusai.accounts import services
from hokusai.accounts.models import ApiKey, Membership, Project, User
from hokusai.accounts.permissions import projects_where
from hokusai.api.accounts.filters import ApiKeyFilter, ProjectFilter
from hokusai.api.accounts.serializers import (
    ApiKeySerializer,
    InvitationSerializer,
    MemberSerializer,
    MeSerializer,
    NewApiKeySerializer,
    NewInvitationSerializer,
    NewProjectSerializer,
    ProjectSerializer,
    RoleSerializer,
    ShownApiKeySerializer,
    TokenSerializer,
)
from hokusai.web.permissions import KnownPerson
from hokusai.web.views import SLUG, GuardedView, ReadViewSet


class MeView(GuardedView):
    permission_classes = (KnownPerson,)
    for_models = ("get",)

    @extend_schema(responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """Show who asks, with which roles and which key."""
        return Response(MeSerializer(request.user, context={"key": self.key}).data)


class ProjectViewSet(ReadViewSet):
    queryset = Project.objects.all()
    serializer_class = ProjectSerializer
    filterset_class = ProjectFilter
    lookup_field = "slug"
    lookup_value_regex = SLUG
    view_permission = "accounts.view_project"
    project_path = "pk"
    permissions: ClassVar = {
        "create": "accounts.view_project",
        "members": "accounts.manage_members",
        "set_member": "accounts.manage_members",
        "remove_member": "accounts.manage_members",
        "invite": "accounts.manage_members",
    }
    person_only = ("create", "set_member", "remove_member", "invite")
    secret_fields = ("token",)
    ordering_fields = ("slug", "created_at")

    @extend_schema(
        request=NewProjectSerializer,
        responses={201: ProjectSerializer},
        examples=[
            OpenApiExample("A project", {"slug": "tides", "name": "Tides"}, request_only=True)
        ],
    )
    def create(self, request: Request) -> Response:
        """Make a project; whoever asks becomes its owner."""
        form = NewProjectSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        project = services.create_project(**form.validated_data, actor=self.actor)
        return Response(ProjectSerializer(project).data, status=201)

    @extend_schema(responses=MemberSerializer(many=True), filters=False)
    @action(detail=True, pagination_class=None)
    def members(self, request: Request, slug: str) -> Response:
        """List who belongs to a project, and as what."""
        members = Membership.objects.filter(project=self.get_object()).select_related("user")
        return Response(MemberSerializer(members, many=True).data)

    @extend_schema(request=RoleSerializer, responses=MemberSerializer)
    def set_member(self, request: Request, slug: str, username: str) -> Response:
        """Give a person a role in a project."""
        form = RoleSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        membership = services.set_member(
            project=self.get_object(),
            user=_person(username),
            role=form.validated_data["role"],
            actor=self.actor,
        )
        return Response(MemberSerializer(membership).data)

    @extend_schema(responses={204: None})
    def remove_member(self, request: Request, slug: str, username: str) -> Response:
        """Take a person's role and keys in a project away."""
        services.remove_member(project=self.get_object(), user=_person(username), actor=self.actor)
        return Response(status=204)

    @extend_schema(request=NewInvitationSerializer, responses={201: InvitationSerializer})
    @action(detail=True, methods=["post"], url_path="invitations", pagination_class=None)
    def invite(self, request: Request, slug: str) -> Response:
        """Offer a role; the token is shown this once and holds for 14 days."""
        form = NewInvitationSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        shown = services.invite(project=self.get_object(), **form.validated_data, actor=self.actor)
        shown.row.token = shown.secret  # type: ignore[union-attr]
        return Response(InvitationSerializer(shown.row).data, status=201)


class AcceptInvitationView(GuardedView):
    permission_classes = (KnownPerson,)
    person_only = ("post",)

    @extend_schema(request=TokenSerializer, responses={201: MemberSerializer})
    def post(self, request: Request) -> Response:
        """Join the project that an invitation's token offers."""
        form = TokenSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        membership = services.accept_invitation(**form.validated_data, user=self.person)
        return Response(MemberSerializer(membership).data, status=201)


class ApiKeyViewSet(ReadViewSet):
    """A person's own keys; an owner of a project also sees and ends those of its members."""

    queryset = ApiKey.objects.select_related("project", "owner")
    serializer_class = ApiKeySerializer
    filterset_class = ApiKeyFilter
    view_permission = "accounts.use_api_keys"
    permissions: ClassVar = {
        "create": "accounts.use_api_keys",
        "revoke": "accounts.use_api_keys",
    }
    person_only = ("create", "revoke")
    secret_fields = ("secret",)
    ordering_fields = ("created_at",)

    def get_queryset(self) -> QuerySet[Any]:
        keys = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return keys
        managed = projects_where(self.request.user, "accounts.manage_members")
        return keys.filter(Q(owner=self.request.user) | Q(project__in=managed))

    @extend_schema(request=NewApiKeySerializer, responses={201: ShownApiKeySerializer})
    def create(self, request: Request) -> Response:
        """Make a key for oneself; its secret is shown this once."""
        form = NewApiKeySerializer(data=request.data)
        form.is_valid(raise_exception=True)
        fields = form.validated_data
        project = self.checked_project(fields.pop("project"))
        shown = services.create_api_key(
            project=project, owner=self.person, **fields, actor=self.actor
        )
        shown.row.secret = shown.secret  # type: ignore[union-attr]
        return Response(ShownApiKeySerializer(shown.row).data, status=201)

    @extend_schema(request=None, responses=ApiKeySerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, public_id: str) -> Response:
        """End a key at once."""
        key = services.revoke_api_key(key_id=self.get_object().pk, actor=self.actor)
        return Response(ApiKeySerializer(key).data)


def _person(username: str) -> User:
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise Http404
    return user
