from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from hokusai.core.errors import Conflict, Forbidden
from hokusai.web.links import to_file
from hokusai.web.views import ReadViewSet
from registry import services
from registry.api.filters import DatasetFilter, DatasetVersionFilter
from registry.api.serializers import (
    DatasetSerializer,
    DatasetVersionSerializer,
    NewDatasetSerializer,
    PreviewSerializer,
    TableSchemaSerializer,
    TableStatisticsSerializer,
    TableUploadSerializer,
)
from registry.choices import DatasetState
from registry.models import Dataset, DatasetVersion


class DatasetViewSet(ReadViewSet):
    queryset = Dataset.objects.select_related("project")
    serializer_class = DatasetSerializer
    filterset_class = DatasetFilter
    view_permission = "registry.view_dataset"
    permissions: ClassVar = {"create": "registry.add_dataset"}
    ordering_fields = ("slug", "created_at")

    def get_queryset(self) -> QuerySet[Any]:
        datasets = super().get_queryset()
        asked = self.action != "list" or "archived" in self.request.query_params
        return datasets if asked else datasets.filter(archived_at__isnull=True)

    @extend_schema(request=NewDatasetSerializer, responses={201: DatasetSerializer})
    def create(self, request: Request) -> Response:
        """Make a dataset without a version."""
        form = NewDatasetSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        fields = form.validated_data
        project = self.checked_project(fields.pop("project"))
        dataset = services.create_dataset(project=project, **fields, actor=self.actor)
        return Response(DatasetSerializer(dataset).data, status=201)


class DatasetVersionViewSet(ReadViewSet):
    """Tables of a dataset: what is known of them, never their rows."""

    queryset = DatasetVersion.objects.select_related("dataset__project", "uploaded_by")
    serializer_class = DatasetVersionSerializer
    filterset_class = DatasetVersionFilter
    lookup_field = "number"
    view_permission = "registry.view_dataset"
    project_path = "dataset__project"
    permissions: ClassVar = {
        "create": "registry.add_dataset",
        "table_schema": "registry.view_dataset",
        "statistics": "registry.view_dataset",
        "preview": "registry.view_dataset",
        "download": "registry.view_dataset",
    }
    ordering_fields = ("number", "created_at")

    def get_queryset(self) -> QuerySet[Any]:
        versions = super().get_queryset()
        if dataset_id := self.kwargs.get("dataset_id"):
            versions = versions.filter(dataset__public_id=dataset_id)
        return versions

    def get_parsers(self) -> list[Any]:
        uploads = self.request is not None and self.request.method == "POST"
        return [MultiPartParser()] if uploads else super().get_parsers()

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self._dataset()
        return super().list(request, *args, **kwargs)

    @extend_schema(
        request={"multipart/form-data": TableUploadSerializer},
        responses={201: DatasetVersionSerializer},
    )
    def create(self, request: Request, dataset_id: str) -> Response:
        """Upload a table as the dataset's next version; it is read and digested afterwards."""
        dataset = self._dataset()
        self.check_object_permissions(request, dataset)
        form = TableUploadSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        version = services.add_dataset_version(
            dataset=dataset, **form.validated_data, actor=self.actor
        )
        return Response(self.get_serializer(version).data, status=201)

    @extend_schema(responses=TableSchemaSerializer)
    def table_schema(self, request: Request, dataset_id: str, number: int) -> Response:
        """Show the columns of a table, without a row of it."""
        return Response(TableSchemaSerializer(self.get_object()).data)

    @extend_schema(responses=TableStatisticsSerializer)
    def statistics(self, request: Request, dataset_id: str, number: int) -> Response:
        """Show what each column holds; of a benchmark's table only to those who may read it."""
        return Response(TableStatisticsSerializer(self._readable().statistics).data)

    @extend_schema(responses=PreviewSerializer)
    def preview(self, request: Request, dataset_id: str, number: int) -> Response:
        """Show the first rows; of a benchmark's table only to those who may read it."""
        return Response(PreviewSerializer(self._readable().statistics["preview"]).data)

    @extend_schema(
        responses={307: OpenApiResponse(description="To the file; `Repr-Digest` names its bytes.")}
    )
    def download(self, request: Request, dataset_id: str, number: int) -> HttpResponse:
        """Download the table; a benchmark's only by those who may read it."""
        version = self._readable()
        return to_file(services.open_table(dataset_version_id=version.pk, actor=self.actor))

    def _readable(self) -> DatasetVersion:
        """The version, if its rows may be read. Raises Forbidden, or Conflict before intake."""
        version: DatasetVersion = self.get_object()
        if not DatasetVersion.objects.readable_by(self.person).filter(pk=version.pk).exists():
            raise Forbidden("The rows of a benchmark are for its stewards alone.")
        if version.state != DatasetState.USABLE:
            raise Conflict(f"The table is {version.state}; there is nothing to read yet.")
        if not version.statistics:
            raise Conflict("This table was read before statistics were kept; upload it again.")
        return version

    def _dataset(self) -> Dataset:
        found: Dataset = self.find(
            Dataset.objects.select_related("project"),
            self.view_permission,
            "project",
            public_id=self.kwargs["dataset_id"],
        )
        return found
