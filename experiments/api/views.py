from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from experiments import services
from experiments.api.filters import (
    BenchmarkFilter,
    ComparisonFilter,
    EvaluationFilter,
    ExperimentFilter,
)
from experiments.api.serializers import (
    BenchmarkSerializer,
    ComparisonSerializer,
    EvaluationSerializer,
    ExperimentSerializer,
    NewBenchmarkSerializer,
    NewComparisonSerializer,
    NewExperimentSerializer,
)
from experiments.models import Benchmark, Comparison, Evaluation, Experiment
from hokusai.web.views import ReadViewSet
from registry.models import DatasetVersion, ModelVersion

COMPARISON = OpenApiExample(
    "A candidate against its baseline",
    {
        "benchmark": "bmk_01930000000070008000000000000001",
        "baseline": "mdv_01930000000070008000000000000001",
        "candidate": "mdv_01930000000070008000000000000002",
    },
    request_only=True,
)


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


class ExperimentViewSet(ReadViewSet):
    queryset = Experiment.objects.select_related(
        "project", "model", "baseline", "benchmark", "created_by"
    )
    serializer_class = ExperimentSerializer
    filterset_class = ExperimentFilter
    view_permission = "experiments.view_comparison"
    permissions: ClassVar = {"create": "experiments.request_comparison"}
    ordering_fields = ("created_at",)

    @extend_schema(request=NewExperimentSerializer, responses={201: ExperimentSerializer})
    def create(self, request: Request) -> Response:
        """Open a line of work on one model: a baseline and a benchmark to beat it on."""
        form = NewExperimentSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        fields = form.validated_data
        benchmark = found_benchmark(self, fields.pop("benchmark"))
        self.check_object_permissions(request, benchmark)
        baseline = found_version(self, fields.pop("baseline"))
        experiment = services.create_experiment(
            project=benchmark.project,
            model=baseline.model,
            baseline=baseline,
            benchmark=benchmark,
            **fields,
            actor=self.actor,
        )
        return Response(self.get_serializer(experiment).data, status=201)


class ComparisonViewSet(ReadViewSet):
    queryset = (
        Comparison.objects.with_names().select_related("experiment").prefetch_related("evaluations")
    )
    serializer_class = ComparisonSerializer
    filterset_class = ComparisonFilter
    view_permission = "experiments.view_comparison"
    project_path = "benchmark__project"
    permissions: ClassVar = {"create": "experiments.request_comparison"}
    ordering_fields = ("created_at",)

    @extend_schema(
        request=NewComparisonSerializer,
        responses={202: ComparisonSerializer},
        examples=[COMPARISON],
    )
    def create(self, request: Request) -> Response:
        """Compare two versions on a benchmark's rows; the same pair is the same comparison."""
        form = NewComparisonSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        fields = form.validated_data
        benchmark = found_benchmark(self, fields["benchmark"])
        self.check_object_permissions(request, benchmark)
        comparison = services.request_comparison(
            benchmark=benchmark,
            baseline=found_version(self, fields["baseline"]),
            candidate=found_version(self, fields["candidate"]),
            experiment=self._experiment(fields.get("experiment")),
            actor=self.actor,
        )
        shown = self.get_queryset().get(pk=comparison.pk)
        return Response(self.get_serializer(shown).data, status=202)

    def _experiment(self, public_id: str | None) -> Experiment | None:
        if public_id is None:
            return None
        found: Experiment = self.find(
            Experiment.objects, self.view_permission, "project", public_id=public_id
        )
        return found


class EvaluationViewSet(ReadViewSet):
    queryset = Evaluation.objects.select_related(
        "version__model", "comparison__benchmark__project"
    ).prefetch_related("comparison__evaluations")
    serializer_class = EvaluationSerializer
    filterset_class = EvaluationFilter
    view_permission = "experiments.view_comparison"
    project_path = "comparison__benchmark__project"
    ordering_fields = ("created_at",)


def found_benchmark(view: ReadViewSet, public_id: str) -> Any:
    """A benchmark that whoever asks may see. Raises Http404."""
    benchmarks = Benchmark.objects.select_related("project", "dataset_version")
    return view.find(benchmarks, "experiments.view_benchmark", "project", public_id=public_id)


def found_version(view: ReadViewSet, public_id: str) -> Any:
    """A version that whoever asks may see. Raises Http404."""
    versions = ModelVersion.objects.with_names()
    return view.find(versions, "registry.view_model", "model__project", public_id=public_id)
