from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from experiments import services
from experiments.api.benchmark_serializers import (
    BenchmarkSerializer,
    LedgerLineSerializer,
    NewBenchmarkSerializer,
    PlanSerializer,
    PowerQuerySerializer,
)
from experiments.api.filters import BenchmarkFilter
from experiments.ledger import ledger
from experiments.models import Benchmark
from experiments.planning import Wish, plan
from hokusai.web.views import ReadViewSet
from registry.models import DatasetVersion


class BenchmarkViewSet(ReadViewSet):
    queryset = Benchmark.objects.select_related(
        "project", "dataset_version", "created_by", "approved_by"
    )
    serializer_class = BenchmarkSerializer
    filterset_class = BenchmarkFilter
    view_permission = "experiments.view_benchmark"
    permissions: ClassVar = {
        "create": "experiments.add_benchmark",
        "approve": "experiments.approve_benchmark",
        "retire": "experiments.approve_benchmark",
        "attempts": "experiments.view_outcomes",
        "power": "experiments.view_benchmark",
    }
    person_only = ("approve", "retire")
    ordering_fields = ("slug", "created_at")

    @extend_schema(request=NewBenchmarkSerializer, responses={201: BenchmarkSerializer})
    def create(self, request: Request) -> Response:
        """Fix rows, metrics and policy; a second person approves them."""
        form = NewBenchmarkSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        fields = form.validated_data
        project = self.checked_project(fields.pop("project"))
        rows = self.find(
            DatasetVersion.objects.select_related("dataset__project"),
            "registry.view_dataset",
            "dataset__project",
            public_id=fields.pop("dataset_version"),
        )
        made = services.create_benchmark(
            project=project, dataset_version=rows, **fields, actor=self.actor
        )
        return Response(self.get_serializer(made).data, status=201)

    @extend_schema(request=None, responses=BenchmarkSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, public_id: str) -> Response:
        """Approve a benchmark that another person made."""
        services.approve_benchmark(benchmark_id=self.get_object().pk, actor=self.actor)
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=None, responses=BenchmarkSerializer)
    @action(detail=True, methods=["post"])
    def retire(self, request: Request, public_id: str) -> Response:
        """End a benchmark; what it decided stays."""
        services.retire_benchmark(benchmark_id=self.get_object().pk, actor=self.actor)
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(responses=LedgerLineSerializer(many=True), filters=False)
    @action(detail=True, methods=["get"], pagination_class=None, filterset_class=None)
    def attempts(self, request: Request, public_id: str) -> Response:
        """The ledger of attempts on these rows, newest first; at most 1,000 of each split."""
        lines: Any = ledger(self.get_object())
        return Response(LedgerLineSerializer(lines, many=True).data)

    @extend_schema(
        parameters=[PowerQuerySerializer, OpenApiParameter("public_id", str, "path")],
        responses=PlanSerializer,
    )
    @action(detail=True, methods=["get"])
    def power(self, request: Request, public_id: str) -> Response:
        """What the rows can show at the next attempt, and how many a gain would need."""
        query = PowerQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        found: Any = plan(self.get_object(), Wish(**query.validated_data))
        return Response(PlanSerializer(found).data)
