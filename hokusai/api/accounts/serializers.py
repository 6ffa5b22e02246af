from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from hokusai.accounts.choices import Role, Scope, Visibility
from hokusai.accounts.models import ApiKey, Invitation, Membership, Project, User
from hokusai.accounts.services import MAX_MODELS
from hokusai.core.fields import slug_validator
from hokusai.web.serializers import ReadModelSerializer


class ProjectSerializer(ReadModelSerializer):
    class Meta:
        model = Project
        fields = ("id", "slug", "name", "description", "visibility", "created_at")


class NewProjectSerializer(serializers.Serializer):
    slug = serializers.CharField(max_length=63, validators=[slug_validator])
    name = serializers.CharField(max_length=200)
    description = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    visibility = serializers.ChoiceField(Visibility.choices, required=False)


class MemberSerializer(serializers.ModelSerializer):
    user = serializers.CharField(source="user.public_id")
    username = serializers.CharField(source="user.username")
    role = serializers.CharField()

    class Meta:
        model = Membership
        fields = ("user", "username", "role", "created_at")


class RoleSerializer(serializers.Serializer):
    role = serializers.ChoiceField(Role.choices)

    def validate_role(self, value: str) -> Role:
        """As the service takes it."""
        return Role(value)


class NewInvitationSerializer(RoleSerializer):
    email = serializers.EmailField()


class InvitationSerializer(ReadModelSerializer):
    token = serializers.CharField(help_text="shown this once", allow_null=True, read_only=True)

    class Meta:
        model = Invitation
        fields = ("id", "email", "role", "token", "expires_at", "created_at")


class TokenSerializer(serializers.Serializer):
    token = serializers.CharField(max_length=100, trim_whitespace=True)


class ApiKeySerializer(ReadModelSerializer):
    project = serializers.CharField(source="project.slug")
    owner = serializers.CharField(source="owner.username")
    scopes = serializers.ListField(child=serializers.CharField())
    model_ids = serializers.ListField(
        child=serializers.CharField(), help_text="models it may be used for; none: all"
    )

    class Meta:
        model = ApiKey
        fields = (
            "id",
            "name",
            "prefix",
            "project",
            "owner",
            "scopes",
            "model_ids",
            "rate_per_minute",
            "expires_at",
            "revoked_at",
            "created_at",
        )


class ShownApiKeySerializer(ApiKeySerializer):
    secret = serializers.CharField(help_text="shown this once", allow_null=True, read_only=True)

    class Meta(ApiKeySerializer.Meta):
        fields = (*ApiKeySerializer.Meta.fields, "secret")  # type: ignore[assignment]


class NewApiKeySerializer(serializers.Serializer):
    project = serializers.CharField(max_length=63)
    name = serializers.CharField(max_length=100)
    scopes = serializers.ListField(
        child=serializers.CharField(max_length=10),
        default=[Scope.READ.value],
        help_text=f"of {', '.join(Scope.values)}",
    )
    model_ids = serializers.ListField(
        child=serializers.CharField(max_length=127),
        default=list,
        max_length=MAX_MODELS,
        help_text="models of the project that it may read and ask, and nothing else; none: all",
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class MembershipSerializer(serializers.Serializer):
    project = serializers.CharField(source="project.slug")
    role = serializers.CharField()


class MeSerializer(serializers.ModelSerializer):
    """Who asks: a person, their projects, and the key they came with."""

    id = serializers.CharField(source="public_id")
    memberships = serializers.SerializerMethodField()
    key = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ("id", "username", "email", "is_staff", "memberships", "key")

    @extend_schema_field(MembershipSerializer(many=True))
    def get_memberships(self, user: User) -> Any:
        """The roles held; with a key, the one in the key's project."""
        return MembershipSerializer(user.memberships.select_related("project"), many=True).data

    @extend_schema_field(ApiKeySerializer(allow_null=True))
    def get_key(self, user: User) -> Any:
        """The key of the request; null for a person, and for a token of another service."""
        key = self.context.get("key")
        return ApiKeySerializer(key).data if isinstance(key, ApiKey) else None
