"""What is known of a version beyond its body: metadata, card, files; and what may be said anew."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from hokusai.web.links import to_file
from registry import services
from registry.api.artifact_serializers import (
    ArtifactSerializer,
    CardQuerySerializer,
    CardSerializer,
    DescribeSerializer,
    MetadataSerializer,
    NewCardSerializer,
)
from registry.api.serializers import ModelVersionSerializer
from registry.api.shared import SharedReading
from registry.cards import card_of
from registry.models import ModelVersion

MARKDOWN = "markdown"


class VersionMetadataViewSet(SharedReading):
    """A version's metadata and files, for whoever may see the version."""

    queryset = ModelVersion.objects.with_names().prefetch_related("tags")
    serializer_class = MetadataSerializer
    lookup_field = "number"
    view_permission = "registry.view_model"
    permissions: ClassVar = {
        "metadata": "registry.view_model",
        "card": "registry.view_model",
        # Which level of secrecy asks for which permission, the service knows.
        "artifact": "registry.view_model",
        "file": "registry.view_model",
        "describe": "registry.register_version",
        "put_card": "registry.register_version",
        "untag": "registry.register_version",
    }

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().filter(model__model_id=self.kwargs["model_id"])

    @extend_schema(responses=MetadataSerializer)
    def metadata(self, request: Request, **kwargs: Any) -> Response:
        """Show requirements, input example, scan, signatures and what the version depends on."""
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=DescribeSerializer, responses=ModelVersionSerializer)
    def describe(self, request: Request, **kwargs: Any) -> Response:
        """State description, licence, security level or code revision anew."""
        form = DescribeSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        version = self.get_object()
        services.describe_version(version_id=version.pk, **form.validated_data, actor=self.actor)
        return Response(ModelVersionSerializer(self.get_object()).data)

    @extend_schema(
        parameters=[CardQuerySerializer],
        responses={
            (200, "application/json"): CardSerializer,
            (200, "text/markdown"): OpenApiResponse(str, "With `export=markdown`."),
        },
    )
    def card(self, request: Request, **kwargs: Any) -> Any:
        """Show the model card: as it was written, or a draft from what is known."""
        query = CardQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        version = self.get_object()
        card = card_of(version)
        if query.validated_data["export"] != MARKDOWN:
            return Response(CardSerializer(card).data)
        answer = HttpResponse(card.text, content_type="text/markdown; charset=utf-8")
        name = f"{version.model.model_id}-v{version.number}.md"
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        return answer

    @extend_schema(request=NewCardSerializer, responses=CardSerializer)
    def put_card(self, request: Request, **kwargs: Any) -> Response:
        """Write the model card: Markdown with YAML front matter, as on the HuggingFace Hub."""
        form = NewCardSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        version = services.describe_version(
            version_id=self.get_object().pk, **form.validated_data, actor=self.actor
        )
        return Response(CardSerializer(card_of(version)).data)

    @extend_schema(request=None, responses=ModelVersionSerializer)
    def untag(self, request: Request, key: str, **kwargs: Any) -> Response:
        """Take one tag off a version."""
        services.remove_tags(version_id=self.get_object().pk, keys=[key], actor=self.actor)
        return Response(ModelVersionSerializer(self.get_object()).data)

    @extend_schema(responses=ArtifactSerializer)
    def artifact(self, request: Request, **kwargs: Any) -> Response:
        """List a version's files with their digests and links that work for some minutes."""
        artifact = services.open_artifact(
            version_id=self.get_object().pk, user=self.person, actor=self.actor
        )
        return Response(ArtifactSerializer(artifact).data)

    @extend_schema(
        parameters=[OpenApiParameter("path", str, OpenApiParameter.PATH)],
        responses={307: OpenApiResponse(description="To the file; `Repr-Digest` names its bytes.")},
    )
    def file(self, request: Request, path: str, **kwargs: Any) -> HttpResponse:
        """Download one file of a version."""
        return to_file(
            services.open_file(
                version_id=self.get_object().pk, path=path, user=self.person, actor=self.actor
            )
        )
