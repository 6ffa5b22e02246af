from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from deployments import endpoints
from deployments.api.batch_serializers import (
    UNDER_WAY,
    BatchSerializer,
    BatchUploadSerializer,
    ChunkSerializer,
    NewBatchSerializer,
)
from deployments.batch_choices import BatchStatus
from deployments.batches import services
from deployments.batches.reports import with_progress
from deployments.models import BatchChunk, BatchPrediction, Deployment
from hokusai.accounts.choices import Scope
from hokusai.core.errors import Forbidden
from hokusai.web.links import to_file
from hokusai.web.parsers import OrjsonParser
from hokusai.web.views import ReadViewSet
from registry.models import DatasetVersion, Model, ModelVersion

OPTIONS = ("id_column", "ignored_columns", "on_error", "chunk_rows")
REDIRECT = OpenApiResponse(description="To the Parquet file; `Repr-Digest` names its bytes.")


class BatchFilter(filters.FilterSet):
    """Which batches to list."""

    model_id = filters.CharFilter(field_name="version__model__model_id")
    status = filters.ChoiceFilter(choices=BatchStatus.choices)
    dataset_version = filters.CharFilter(field_name="dataset_version__public_id")

    class Meta:
        model = BatchPrediction
        fields = ("model_id", "status", "dataset_version")


class BatchViewSet(ReadViewSet):
    """Predictions for whole tables: ask, look, cancel, resume, fetch."""

    queryset = BatchPrediction.objects.select_related(
        "version__model",
        "version__project",
        "deployment",
        "dataset_version__dataset",
        "created_by",
        "job",
    )
    serializer_class = BatchSerializer
    filterset_class = BatchFilter
    view_permission = "deployments.view_deployment"
    project_path = "version__project"
    model_path = "version__model__model_id"
    parser_classes = (OrjsonParser, MultiPartParser)
    permissions: ClassVar = {
        "create": "deployments.run_batch",
        "cancel": "deployments.run_batch",
        "resume": "deployments.run_batch",
        "chunks": "deployments.view_deployment",
        "result": "deployments.run_batch",
    }
    scopes: ClassVar = dict.fromkeys(("create", "cancel", "resume"), Scope.PREDICT)
    for_models = ("create", "list", "retrieve", "cancel", "resume", "chunks", "result")
    ordering_fields = ("created_at",)

    def get_queryset(self) -> QuerySet[Any]:
        """Batches with what workers told of the parts under way."""
        return with_progress(super().get_queryset())

    @extend_schema(
        request={
            "application/json": NewBatchSerializer,
            "multipart/form-data": BatchUploadSerializer,
        },
        responses={202: BatchSerializer},
        examples=[OpenApiExample("under way", UNDER_WAY, response_only=True, status_codes=["202"])],
    )
    def create(self, request: Request) -> Response:
        """Ask for predictions for every row of a table; workers do it."""
        uploads = str(request.content_type).startswith("multipart/")
        form = (BatchUploadSerializer if uploads else NewBatchSerializer)(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        version, deployment = self._version(given)
        batch = services.request_batch(
            version=version,
            actor=self.actor,
            source=self._source(given),
            options=services.BatchOptions(**{n: given[n] for n in OPTIONS if n in given}),
            deployment=deployment,
        )
        return self._shown(batch.pk, status=202)

    @extend_schema(request=None, responses=BatchSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, public_id: str) -> Response:
        """Stop a batch; the parts that are done are kept."""
        batch = services.cancel_batch(batch_id=self.get_object().pk, actor=self.actor)
        return self._shown(batch.pk)

    @extend_schema(request=None, responses={202: BatchSerializer})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, public_id: str) -> Response:
        """Go on with a batch that failed or was cancelled; what is done is not done again."""
        batch = services.resume_batch(batch_id=self.get_object().pk, actor=self.actor)
        return self._shown(batch.pk, status=202)

    @extend_schema(responses=ChunkSerializer(many=True))
    @action(detail=True, filterset_class=None)
    def chunks(self, request: Request, public_id: str) -> Response:
        """List the parts of a batch, the last rows first."""
        rows = BatchChunk.objects.filter(batch=self.get_object()).select_related("job")
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(ChunkSerializer(page, many=True).data)

    @extend_schema(responses={307: REDIRECT})
    @action(detail=True, pagination_class=None, filterset_class=None)
    def result(self, request: Request, public_id: str) -> HttpResponse:
        """Download the outputs, a Parquet file with a row for each row of the table."""
        return to_file(services.open_result(batch_id=self.get_object().pk, actor=self.actor))

    def _version(self, given: dict[str, Any]) -> tuple[ModelVersion, Deployment | None]:
        """The version that answers, and the deployment that it was taken from."""
        if "version" in given:
            lookup = {"model__model_id": given["model_id"], "number": given["version"]}
            return self._version_of(**lookup), None
        if "deployment" in given:
            rows = Deployment.objects.select_related("model__project")
            path, name = "model__project", given["deployment"]
            self.find(rows, self.view_permission, path, public_id=name)
            target = endpoints.require_live(endpoints.target_of_deployment(name))
        else:
            name = given["model_id"]
            self.find(Model.objects.all(), "registry.view_model", "project", model_id=name)
            target = endpoints.require_live(endpoints.target_of_model(name))
        version = self._version_of(model__model_id=target.model_id, number=target.version)
        return version, Deployment.objects.get(public_id=target.deployment_id)

    def _version_of(self, **lookup: Any) -> ModelVersion:
        rows = ModelVersion.objects.with_names()
        version: ModelVersion = self.find(rows, "registry.view_model", "project", **lookup)
        self.check_object_permissions(self.request, version)
        return version

    def _source(self, given: dict[str, Any]) -> DatasetVersion | services.UploadedTable:
        """The table; whoever asks may read its rows. Raises Http404, or Forbidden."""
        if "file" in given:
            file = given["file"]
            return services.UploadedTable(file.name, given["file_format"], file.read())
        rows = DatasetVersion.objects.select_related("dataset__project")
        name = given["dataset_version"]
        found: DatasetVersion = self.find(
            rows, "registry.view_dataset", "dataset__project", public_id=name
        )
        if not DatasetVersion.objects.readable_by(self.person).filter(pk=found.pk).exists():
            raise Forbidden("The rows of a benchmark are for its stewards alone.")
        return found

    def _shown(self, batch_id: int, status: int = 200) -> Response:
        batch = self.get_queryset().get(pk=batch_id)
        return Response(self.get_serializer(batch).data, status=status)
