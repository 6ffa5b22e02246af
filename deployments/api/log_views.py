from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

from django.core import signing
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from deployments.api.log_serializers import (
    BucketSerializer,
    ExportSerializer,
    LoggedPredictionSerializer,
    PredictionDetailSerializer,
    SeriesQuerySerializer,
    SpanSerializer,
)
from deployments.log_models import PredictionExport, PredictionLog
from deployments.models import Deployment
from deployments.prediction_log import exporting, reports
from hokusai.web.filters import MomentFilter
from hokusai.web.links import to_file
from hokusai.web.pagination import CursorPagination, ordering_of, page_size_of, refuse_unknown
from hokusai.web.views import ReadViewSet

VIEW = "deployments.view_predictionlog"
FIRST_STATUS, LAST_STATUS = 100, 599
A_DAY = {"since": "2026-03-01T00:00:00Z", "until": "2026-03-02T00:00:00Z"}


class LogFilter(filters.FilterSet):
    """Which predictions to list."""

    since = MomentFilter(field_name="at", lookup_expr="gte")
    until = MomentFilter(field_name="at", lookup_expr="lt")
    status = filters.NumberFilter(min_value=FIRST_STATUS, max_value=LAST_STATUS)
    request_id = filters.CharFilter()
    only_errors = filters.BooleanFilter(method="filter_errors")

    class Meta:
        model = PredictionLog
        fields = ("status", "request_id")

    def filter_errors(self, rows: Any, name: str, value: bool) -> Any:
        """Those that failed, where that is asked for."""
        return rows.failed() if value else rows


class LogPagination(CursorPagination):
    """Newest first by the time of the request; a cursor holds the last row's place."""

    signer = signing.Signer(salt="deployments.api.log_views")

    def paginate_queryset(
        self, queryset: Any, request: Request, view: Any | None = None
    ) -> list[Any]:
        """One page. Raises ValidationError for an unknown parameter, cursor, size or ordering."""
        self.request = request
        refuse_unknown(request, view)
        ordering_of(request, ())
        size = page_size_of(request)
        if cursor := request.query_params.get("cursor"):
            at, pk = self._place(cursor)
            queryset = queryset.filter(Q(at__lt=at) | Q(at=at, pk__lt=pk), at__lte=at)
        rows = list(queryset.order_by("-at", "-pk")[: size + 1])
        self.last = rows[size - 1] if len(rows) > size else None
        return rows[:size]

    def _place(self, cursor: str) -> tuple[datetime, int]:
        try:
            at, pk = self.signer.unsign_object(cursor)
        except signing.BadSignature as error:
            raise ValidationError({"cursor": ["Unknown; start again without a cursor."]}) from error
        return datetime.fromisoformat(at), pk

    def _next_url(self) -> str | None:
        if self.last is None:
            return None
        cursor = self.signer.sign_object([self.last.at.isoformat(), self.last.pk])
        return str(replace_query_param(self.request.build_absolute_uri(), "cursor", cursor))


class OfDeployment(ReadViewSet):
    """Rows of the deployment that the path names; absent to whoever may not see them."""

    view_permission = VIEW

    @cached_property
    def deployment(self) -> Deployment:
        """The deployment. Raises Http404 for one whose log may not be seen."""
        found: Deployment = self.find(
            Deployment.objects.select_related("model__project"),
            VIEW,
            "model__project",
            public_id=self.kwargs["deployment_id"],
        )
        return found


class PredictionLogViewSet(OfDeployment):
    """What was asked of a deployment, what it answered, and how long that took."""

    queryset = PredictionLog.objects.select_related("revision__version", "project")
    serializer_class = LoggedPredictionSerializer
    filterset_class = LogFilter
    pagination_class = LogPagination
    project_path = "project"
    permissions: ClassVar = {"series": VIEW, "export": VIEW}

    def get_queryset(self) -> QuerySet[PredictionLog]:
        """Rows of one deployment; lists do not read what was asked and answered."""
        if getattr(self, "swagger_fake_view", False):
            return PredictionLog.objects.none()
        rows = self.queryset.filter(deployment_id=self.deployment.pk)
        return rows if self.action == "retrieve" else rows.defer("input", "output")

    def get_serializer_class(self) -> Any:
        """With rows and outputs where one prediction is asked for."""
        if self.action == "retrieve":
            return PredictionDetailSerializer
        return LoggedPredictionSerializer

    def get_object(self) -> PredictionLog:
        """The row that the path names. Raises Http404."""
        rows: Any = self.get_queryset()
        row: PredictionLog | None = rows.of_public_id(self.kwargs["public_id"]).first()
        if row is None:
            raise Http404
        self.check_object_permissions(self.request, row)
        return row

    @extend_schema(
        parameters=[SeriesQuerySerializer], responses=BucketSerializer(many=True), filters=False
    )
    @action(detail=False, pagination_class=None, filterset_class=None)
    def series(self, request: Request, deployment_id: str) -> Response:
        """Show requests, errors and times over a while, for charts."""
        form = SeriesQuerySerializer(data=request.query_params)
        form.is_valid(raise_exception=True)
        return Response(
            BucketSerializer(reports.series(self.deployment, **form.validated_data), many=True).data
        )

    @extend_schema(
        request=SpanSerializer,
        responses={202: ExportSerializer},
        examples=[OpenApiExample("a day", A_DAY, request_only=True)],
    )
    @action(detail=False, methods=["post"], pagination_class=None, filterset_class=None)
    def export(self, request: Request, deployment_id: str) -> Response:
        """Let predictions be written as CloudEvents; at most 31 days at once."""
        form = SpanSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        export = exporting.request_export(
            deployment=self.deployment, actor=self.actor, **form.validated_data
        )
        return Response(ExportSerializer(export).data, status=202)


class PredictionExportViewSet(OfDeployment):
    """Files of CloudEvents that were asked for."""

    queryset = PredictionExport.objects.select_related("deployment__model__project", "job")
    serializer_class = ExportSerializer
    project_path = "deployment__model__project"
    permissions: ClassVar = {"download": VIEW}

    def get_queryset(self) -> QuerySet[PredictionExport]:
        """Exports of one deployment."""
        if getattr(self, "swagger_fake_view", False):
            return PredictionExport.objects.none()
        return self.queryset.filter(deployment=self.deployment)

    @extend_schema(
        responses={307: OpenApiResponse(description="To the file; `Repr-Digest` names its bytes.")}
    )
    @action(detail=True, pagination_class=None)
    def download(self, request: Request, deployment_id: str, public_id: str) -> HttpResponse:
        """Download an export: JSON lines, two CloudEvents for each prediction."""
        return to_file(exporting.open_export(export_id=self.get_object().pk, actor=self.actor))
