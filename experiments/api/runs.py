from typing import Any, ClassVar

import django_filters
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from experiments import histories
from experiments.api.run_serializers import (
    HistoryJobSerializer,
    RunComparisonSerializer,
    RunHistorySerializer,
    RunsComparedSerializer,
    RunSerializer,
    history_of,
    job_of,
)
from experiments.choices import RunLifecycle, RunStatus
from experiments.models import Run
from experiments.run_reports import compared
from hokusai.web.filters import MomentFilter
from hokusai.web.serializers import ErrorSerializer
from hokusai.web.views import ReadViewSet

COMPARED = OpenApiExample(
    "Two runs that differ in one parameter",
    {
        "runs": [
            {
                "id": f"run_0193000000007000800000000000000{number}",
                "run_id": f"{number}" * 32,
                "name": f"try {number}",
                "status": "finished",
                "started_at": "2026-11-20T12:00:00Z",
            }
            for number in (1, 2)
        ],
        "parameters": [{"name": "C", "values": ["0.5", "1.0"], "differs": True}],
        "metrics": [{"name": "accuracy", "values": [0.91, None], "differs": True}],
    },
    response_only=True,
)
METRIC = OpenApiParameter(
    "metric", OpenApiTypes.STR, OpenApiParameter.PATH, description="may hold slashes"
)


class RunFilter(django_filters.FilterSet):
    project = django_filters.CharFilter(field_name="experiment__project__slug")
    experiment = django_filters.CharFilter(
        field_name="experiment__experiment_id", help_text="as the tracking server names it"
    )
    run_id = django_filters.CharFilter()
    status = django_filters.ChoiceFilter(choices=RunStatus.choices)
    lifecycle = django_filters.ChoiceFilter(choices=RunLifecycle.choices)
    user = django_filters.CharFilter()
    search = django_filters.CharFilter(
        method="matching", help_text="part of the name, or how the run id or the user begins"
    )
    started_after = MomentFilter(field_name="started_at", lookup_expr="gte")
    started_before = MomentFilter(field_name="started_at", lookup_expr="lt")

    class Meta:
        model = Run
        fields = ("project", "experiment", "run_id", "status", "lifecycle", "user")

    def matching(self, queryset: Any, name: str, value: str) -> Any:
        """Rows that the text finds."""
        return queryset.matching(value)


class RunViewSet(ReadViewSet):
    """Runs of experiments that are mapped to a project."""

    queryset = Run.objects.with_names()
    serializer_class = RunSerializer
    filterset_class = RunFilter
    project_path = "experiment__project"
    view_permission = "experiments.view_run"
    permissions: ClassVar = dict.fromkeys(
        ("compare", "history", "metric_history"), "experiments.view_run"
    )
    ordering_fields = ("started_at", "name")

    @extend_schema(
        parameters=[RunsComparedSerializer],
        responses={200: RunComparisonSerializer, 404: ErrorSerializer},
        examples=[COMPARED],
        filters=False,
    )
    @action(detail=False, pagination_class=None, filterset_class=None)
    def compare(self, request: Request) -> Response:
        """Show which parameters and metrics differ between runs."""
        form = RunsComparedSerializer(data=request.query_params)
        form.is_valid(raise_exception=True)
        ids = form.validated_data["ids"]
        found = {run.public_id: run for run in self.get_queryset().filter(public_id__in=ids)}
        if len(found) < len(ids):
            raise Http404
        result = compared(
            [found[public_id] for public_id in ids],
            everything=form.validated_data["everything"],
        )
        return Response(RunComparisonSerializer(result).data)

    @extend_schema(request=None, responses={202: HistoryJobSerializer})
    @action(detail=True, methods=["post"])
    def history(self, request: Request, public_id: str) -> Response:
        """Have all values of the run's metrics fetched by a worker."""
        job = histories.request_history(run_id=self.get_object().pk, actor=self.actor)
        return Response(job_of(job), status=202)

    @extend_schema(parameters=[METRIC], responses=RunHistorySerializer)
    @action(detail=True, url_path="metrics/(?P<metric>.+)")
    def metric_history(self, request: Request, public_id: str, metric: str) -> Response:
        """Show the values of one metric by step, as they were last fetched."""
        run = self.get_object()
        row = run.histories.filter(metric=metric).first() if "\x00" not in metric else None
        if row is None and metric not in run.metrics:
            raise Http404
        form = RunHistorySerializer(history_of(metric, row), context=self.get_serializer_context())
        return Response(form.data)
