from typing import Any, ClassVar

from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from hokusai.web.views import ReadViewSet
from registry import services
from registry.api.filters import UploadFilter
from registry.api.upload_serializers import (
    NewUploadSerializer,
    PartLinksSerializer,
    PartsQuerySerializer,
    UploadSerializer,
    part_count,
)
from registry.models import Upload, UploadFile

EXAMPLE = OpenApiExample(
    "A model of two files",
    {
        "project": "tides",
        "files": [
            {"path": "MLmodel", "size_bytes": 412, "sha256": "ab" * 32},
            {"path": "model.onnx", "size_bytes": 6_442_450_944, "sha256": "cd" * 32},
        ],
    },
    request_only=True,
)


class UploadViewSet(ReadViewSet):
    """Files that go straight to the store, in parts, by signed links."""

    queryset = Upload.objects.select_related("project").prefetch_related("files")
    serializer_class = UploadSerializer
    filterset_class = UploadFilter
    view_permission = "registry.register_version"
    permissions: ClassVar = {
        "create": "registry.register_version",
        "parts": "registry.register_version",
        "complete": "registry.register_version",
        "abort": "registry.register_version",
    }
    ordering_fields = ("created_at",)

    @extend_schema(
        request=NewUploadSerializer, responses={201: UploadSerializer}, examples=[EXAMPLE]
    )
    def create(self, request: Request) -> Response:
        """Start an upload: state the files, then fetch links to their parts."""
        form = NewUploadSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        project = self.checked_project(form.validated_data["project"])
        upload = services.start_upload(
            project=project, files=form.validated_data["files"], actor=self.actor
        )
        return Response(self.get_serializer(upload).data, status=201)

    @extend_schema(parameters=[PartsQuerySerializer], responses=PartLinksSerializer)
    @action(detail=True, pagination_class=None, filterset_class=None)
    def parts(self, request: Request, public_id: str) -> Response:
        """Links to which the parts of one file are PUT; parts already sent may be sent again."""
        query = PartsQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        row = self._file(query.validated_data["file"])
        first, count = query.validated_data["first"], query.validated_data["count"]
        last = min(part_count(row), first + count - 1)
        links = services.part_links(row, range(first, last + 1))
        following = last + 1 if last < part_count(row) else None
        return Response({"parts": links, "next": following})

    @extend_schema(request=None, responses=UploadSerializer)
    @action(detail=True, methods=["post"])
    def complete(self, request: Request, public_id: str) -> Response:
        """State that every part was sent; the copy checks sizes and digests."""
        services.complete_upload(upload_id=self.get_object().pk, actor=self.actor)
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=None, responses=UploadSerializer)
    @action(detail=True, methods=["post"])
    def abort(self, request: Request, public_id: str) -> Response:
        """Give an upload up; what was sent is removed."""
        services.abort_upload(upload_id=self.get_object().pk, actor=self.actor)
        return Response(self.get_serializer(self.get_object()).data)

    def _file(self, position: int) -> UploadFile:
        files: list[Any] = list(self.get_object().files.all())
        if position >= len(files):
            raise Http404
        row: UploadFile = files[position]
        return row
