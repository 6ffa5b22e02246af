"""What was in production and when, the way back, and the end of versions."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from hokusai.web.views import MODEL_ID, ScopedViewSet
from registry import history, services
from registry.api.artifact_serializers import ScanSerializer
from registry.api.govern_serializers import (
    AtQuerySerializer,
    AtSerializer,
    CommentSerializer,
    HistoryQuerySerializer,
    HistorySerializer,
    ReasonSerializer,
    RetireSerializer,
)
from registry.api.serializers import ModelVersionSerializer
from registry.models import Model, ModelVersion

RETIRING = OpenApiExample(
    "By the end of the year",
    {"successor": 7, "sunset_at": "2027-12-31T00:00:00Z", "comment": "v7 is better everywhere."},
    request_only=True,
)


class ModelHistoryViewSet(ScopedViewSet):
    """The stages of a model's versions over time."""

    queryset = Model.objects.select_related("project")
    lookup_field = "model_id"
    lookup_value_regex = MODEL_ID
    view_permission = "registry.view_model"
    filter_backends = ()
    pagination_class = None
    permissions: ClassVar = {
        "at": "registry.view_model",
        "history": "registry.view_model",
        "rollback": "registry.roll_back",
    }
    person_only = ("rollback",)

    @extend_schema(parameters=[AtQuerySerializer], responses=AtSerializer)
    def at(self, request: Request, model_id: str) -> Response:
        """Show what was in production at a time, since when, and who approved it."""
        model = self.get_object()
        query = AtQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        time = query.validated_data["time"]
        found = history.at(model, time)
        shown = {
            "time": time,
            "version": found.version.number if found else None,
            "production": found,
        }
        return Response(AtSerializer(shown, context=self.get_serializer_context()).data)

    @extend_schema(parameters=[HistoryQuerySerializer], responses=HistorySerializer)
    def history(self, request: Request, model_id: str) -> Response:
        """Show how versions moved between stages, newest first; nothing of it ever changes."""
        model = self.get_object()
        query = HistoryQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        limit = query.validated_data["limit"]
        changes = history.timeline(model, limit=limit + 1)
        shown = {"changes": changes[:limit], "truncated": len(changes) > limit}
        return Response(HistorySerializer(shown, context=self.get_serializer_context()).data)

    @extend_schema(request=CommentSerializer, responses=ModelVersionSerializer)
    def rollback(self, request: Request, model_id: str) -> Response:
        """Bring back what was in production before; undone by promoting again."""
        model = self.get_object()
        form = CommentSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        former = services.roll_back(model_id=model.pk, **form.validated_data, actor=self.actor)
        return Response(shown_version(former.pk))


class VersionEndViewSet(ScopedViewSet):
    """What reviewers say of one version."""

    queryset = ModelVersion.objects.with_names()
    lookup_field = "number"
    view_permission = "registry.view_model"
    filter_backends = ()
    pagination_class = None
    permissions: ClassVar = {
        "retire": "registry.retire_version",
        "review": "registry.review_scan",
    }
    person_only = ("retire", "review")

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().filter(model__model_id=self.kwargs["model_id"])

    @extend_schema(request=RetireSerializer, responses=ModelVersionSerializer, examples=[RETIRING])
    def retire(self, request: Request, model_id: str, number: int) -> Response:
        """Retire a version: say when it goes away and which one takes its place."""
        version = self.get_object()
        form = RetireSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        fields = form.validated_data
        successor = version.model.versions.filter(number=fields.pop("successor")).first()
        services.retire_version(
            version_id=version.pk,
            successor_id=successor.pk if successor else 0,
            **fields,
            actor=self.actor,
        )
        return Response(shown_version(version.pk))

    @extend_schema(request=ReasonSerializer, responses=ScanSerializer)
    def review(self, request: Request, model_id: str, number: int) -> Response:
        """Let what a scan found pass; by a person without a part in the version."""
        version = self.get_object()
        form = ReasonSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        scan = services.review_scan(version_id=version.pk, **form.validated_data, actor=self.actor)
        return Response(ScanSerializer(scan).data)


def shown_version(version_id: int) -> Any:
    """A version as every endpoint answers it."""
    version = ModelVersion.objects.with_names().prefetch_related("tags").get(pk=version_id)
    return ModelVersionSerializer(version).data
