from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from experiments import services
from experiments.api.filters import ComparisonFilter, EvaluationFilter, ExperimentFilter
from experiments.api.serializers import (
    ComparisonSerializer,
    EvaluationSerializer,
    ExperimentSerializer,
    NewComparisonSerializer,
    NewExperimentSerializer,
)
from experiments.choices import Split
from experiments.models import Benchmark, Comparison, Evaluation, Experiment
from hokusai.web.views import ReadViewSet, ScopedViewSet
from registry.models import ModelVersion

COMPARISON = OpenApiExample(
    "A candidate against its baseline",
    {
        "benchmark": "bmk_01930000000070008000000000000001",
        "baseline": "mdv_01930000000070008000000000000001",
        "candidate": "mdv_01930000000070008000000000000002",
    },
    request_only=True,
)


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
    # What the rows kept to confirm were answered with is told by no list.
    queryset = (
        Evaluation.objects.filter(split=Split.SCREENING)
        .select_related("version__model", "comparison__benchmark__project")
        .defer("comparison__statistics")
    )
    serializer_class = EvaluationSerializer
    filterset_class = EvaluationFilter
    view_permission = "experiments.view_comparison"
    project_path = "comparison__benchmark__project"
    ordering_fields = ("created_at",)


def found_benchmark(view: ScopedViewSet, public_id: str) -> Any:
    """A benchmark that whoever asks may see. Raises Http404."""
    benchmarks = Benchmark.objects.select_related("project", "dataset_version")
    return view.find(benchmarks, "experiments.view_benchmark", "project", public_id=public_id)


def found_version(view: ScopedViewSet, public_id: str) -> Any:
    """A version that whoever asks may see. Raises Http404."""
    versions = ModelVersion.objects.with_names()
    return view.find(versions, "registry.view_model", "model__project", public_id=public_id)
