from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from hokusai.web.permissions import credential_of
from hokusai.web.views import MODEL_ID, ReadViewSet
from registry import services
from registry.api.filters import ModelFilter
from registry.api.serializers import (
    LineageQuerySerializer,
    LineageSerializer,
    ModelSerializer,
    ModelVersionSerializer,
    NewModelSerializer,
    NewTagsSerializer,
    RegisterSerializer,
)
from registry.api.shared import SharedReading
from registry.lineage import lineage_of
from registry.models import Model, ModelVersion

REGISTRATION = OpenApiExample(
    "A candidate",
    {
        "project": "tides",
        "model": "forecast",
        "source": "runs:/0a1b2c3d4e5f60718293a4b5c6d7e8f9/model",
        "parent": "1",
        "contributions": ["ctr_01930000000070008000000000000001"],
        "metrics": {"accuracy": 0.93},
        "tags": {"framework": "sklearn"},
    },
    request_only=True,
)


class ModelViewSet(SharedReading, ReadViewSet):
    queryset = Model.objects.select_related("project", "head")
    serializer_class = ModelSerializer
    filterset_class = ModelFilter
    lookup_field = "model_id"
    lookup_value_regex = MODEL_ID
    view_permission = "registry.view_model"
    model_path = "model_id"
    for_models = ("list", "retrieve")
    permissions: ClassVar = {
        "create": "registry.register_version",
        "register": "registry.register_version",
        "lineage": "registry.view_model",
    }
    ordering_fields = ("model_id", "created_at")

    def get_queryset(self) -> QuerySet[Any]:
        models = super().get_queryset()
        asked = self.action != "list" or "archived" in self.request.query_params
        return models if asked else models.filter(archived_at__isnull=True)

    @extend_schema(request=NewModelSerializer, responses={201: ModelSerializer})
    def create(self, request: Request) -> Response:
        """Make a model without a version."""
        form = NewModelSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        fields = form.validated_data
        project = self.checked_project(fields.pop("project"))
        model = services.create_model(project=project, **fields, actor=self.actor)
        return Response(ModelSerializer(model).data, status=201)

    @extend_schema(
        request=RegisterSerializer,
        responses={201: ModelVersionSerializer},
        examples=[REGISTRATION],
    )
    @action(detail=False, methods=["post"])
    def register(self, request: Request) -> Response:
        """Register a version; its bytes are copied and shown to MLflow afterwards."""
        form = RegisterSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        fields = form.validated_data
        project = self.checked_project(fields.pop("project"))
        slug, wish = fields.pop("model"), fields.pop("parent", None)
        parent = self._parent(f"{project.slug}.{slug}", wish) if wish else None
        version = services.register_version(
            project=project, slug=slug, parent=parent, **fields, actor=self.actor
        )
        return Response(ModelVersionSerializer(version).data, status=201)

    @extend_schema(parameters=[LineageQuerySerializer], responses=LineageSerializer)
    @action(detail=True, pagination_class=None, filterset_class=None)
    def lineage(self, request: Request, model_id: str) -> Response:
        """Show where a model's latest version comes from and what came of it."""
        version = self.get_object().versions.order_by("-number").first()
        if version is None:
            return Response({"nodes": [], "edges": [], "truncated": False})
        return lineage_answer(request, version, self.get_serializer_context())

    def _parent(self, model_id: str, wish: str) -> ModelVersion:
        """A version of the model by number, or any that the person may see by public id.

        Raises Http404.
        """
        by_number = wish.isascii() and wish.isdecimal()
        if by_number and len(wish) > len(str(2**31)) - 1:
            raise Http404
        lookup: dict[str, Any] = {"public_id": wish}
        if by_number:
            lookup = {"number": int(wish), "model__model_id": model_id}
        found: ModelVersion = self.find(
            ModelVersion.objects.with_names(), "registry.view_model", "project", **lookup
        )
        return found


class ModelVersionViewSet(SharedReading):
    queryset = ModelVersion.objects.with_names().prefetch_related("tags")
    serializer_class = ModelVersionSerializer
    lookup_field = "number"
    view_permission = "registry.view_model"
    project_path = "model__project"
    permissions: ClassVar = {
        "lineage": "registry.view_model",
        "tags": "registry.register_version",
        "retry": "registry.register_version",
    }

    def get_queryset(self) -> QuerySet[Any]:
        versions = super().get_queryset()
        if model_id := self.kwargs.get("model_id"):
            versions = versions.filter(model__model_id=model_id)
        return versions

    @extend_schema(parameters=[LineageQuerySerializer], responses=LineageSerializer)
    def lineage(self, request: Request, model_id: str, number: int) -> Response:
        """Show where a version comes from and what came of it."""
        return lineage_answer(request, self.get_object(), self.get_serializer_context())

    @extend_schema(request=NewTagsSerializer, responses=ModelVersionSerializer)
    def tags(self, request: Request, model_id: str, number: int) -> Response:
        """Set tags of a version; others stay."""
        form = NewTagsSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        version = self.get_object()
        services.set_tags(version_id=version.pk, **form.validated_data, actor=self.actor)
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=None, responses=ModelVersionSerializer)
    def retry(self, request: Request, model_id: str, number: int) -> Response:
        """Copy a version's bytes again after a failure."""
        services.retry_artifact(version_id=self.get_object().pk, actor=self.actor)
        return Response(self.get_serializer(self.get_object()).data)


def lineage_answer(request: Request, version: ModelVersion, context: Any) -> Response:
    """The graph around a version, as far as whoever asks may see it."""
    query = LineageQuerySerializer(data=request.query_params)
    query.is_valid(raise_exception=True)
    key = credential_of(request)
    graph = lineage_of(
        public_id=version.public_id,
        user=request.user,
        only_project=key.project_id if key else None,
        **query.validated_data,
    )
    return Response(LineageSerializer(graph, context=context).data)
