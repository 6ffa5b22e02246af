from typing import Any

import django_filters
from drf_spectacular.utils import (
    OpenApiExample,
    extend_schema,
    extend_schema_serializer,
    extend_schema_view,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from experiments.choices import TrainingStatus
from experiments.models import Training
from experiments.recipes import listed_recipes
from hokusai.web.permissions import KnownPerson
from hokusai.web.serializers import ReadModelSerializer, ReadSerializer
from hokusai.web.views import GuardedView, ReadViewSet

TRAINING = OpenApiExample(
    "a training that ended",
    {
        "id": "trn_" + "0" * 32,
        "model_id": "tides.net",
        "benchmark": "bmk_" + "0" * 32,
        "baseline": "mdv_" + "0" * 32,
        "recipe": "scikit-learn",
        "parameters": {"model": "logistic_regression", "C": 1.0, "max_iter": 2000},
        "seeds": [1, 2, 3],
        "base": ["dsv_" + "0" * 32],
        "added": ["dsv_" + "1" * 32],
        "status": "trained",
        "explanation": "",
        "control": "mdv_" + "1" * 32,
        "candidate": "mdv_" + "2" * 32,
        "comparison": "cmp_" + "0" * 32,
        "job": "job_" + "0" * 32,
        "requested_by": "ada",
        "created_at": "2026-11-20T12:00:00Z",
        "finished_at": "2026-11-20T12:01:00Z",
    },
    response_only=True,
)
RECIPE = OpenApiExample(
    "a recipe",
    {
        "name": "scikit-learn",
        "title": "scikit-learn",
        "description": "Standardised logistic regression for classes.",
        "tasks": ["classification"],
        "parameters": {
            "classification": {
                "type": "object",
                "additionalProperties": False,
                "properties": {"C": {"type": "number", "default": 1.0, "exclusiveMinimum": 0}},
            }
        },
        "available": True,
        "unavailable": "",
    },
    response_only=True,
)


class TrainingSerializer(ReadModelSerializer):
    """A recipe applied without the added data (control) and with it (candidate)."""

    model_id = serializers.CharField(source="model.model_id")
    benchmark = serializers.CharField(source="benchmark.public_id")
    baseline = serializers.CharField(source="baseline.public_id", allow_null=True, default=None)
    parameters = serializers.DictField()
    seeds = serializers.ListField(
        child=serializers.IntegerField(), help_text="the first built both versions"
    )
    base: Any = serializers.SlugRelatedField(slug_field="public_id", many=True, read_only=True)
    added: Any = serializers.SlugRelatedField(slug_field="public_id", many=True, read_only=True)
    control = serializers.CharField(source="control.public_id", allow_null=True, default=None)
    candidate = serializers.CharField(source="candidate.public_id", allow_null=True, default=None)
    comparison = serializers.SerializerMethodField(
        help_text="of the candidate with the head of the line, on the same benchmark"
    )
    job = serializers.CharField(source="job.public_id", allow_null=True, default=None)
    requested_by = serializers.CharField(source="requested_by.username")

    class Meta:
        model = Training
        fields = (
            "id",
            "model_id",
            "benchmark",
            "baseline",
            "recipe",
            "parameters",
            "seeds",
            "base",
            "added",
            "status",
            "explanation",
            "control",
            "candidate",
            "comparison",
            "job",
            "requested_by",
            "created_at",
            "finished_at",
        )

    def get_comparison(self, training: Training) -> str | None:
        """The newest comparison of the candidate on the training's benchmark."""
        if training.candidate is None:
            return None
        found = [
            comparison
            for comparison in training.candidate.comparisons.all()
            if comparison.benchmark_id == training.benchmark_id
        ]
        return found[0].public_id if found else None


class TrainingFilter(django_filters.FilterSet):
    project = django_filters.CharFilter(field_name="project__slug")
    model_id = django_filters.CharFilter(field_name="model__model_id")
    status = django_filters.ChoiceFilter(choices=TrainingStatus.choices)

    class Meta:
        model = Training
        fields = ("project", "model_id", "status")


def trainings() -> Any:
    """Trainings with what a list shows, in a fixed number of queries."""
    return Training.objects.select_related(
        "model", "benchmark", "baseline", "control", "candidate", "job", "requested_by"
    ).prefetch_related("base", "added", "candidate__comparisons")


@extend_schema_view(retrieve=extend_schema(examples=[TRAINING]))
class TrainingViewSet(ReadViewSet):
    queryset = trainings()
    serializer_class = TrainingSerializer
    filterset_class = TrainingFilter
    view_permission = "experiments.view_training"
    ordering_fields = ("created_at",)


@extend_schema_serializer(examples=[RECIPE])
class RecipeSerializer(ReadSerializer):
    """A way to train that this installation offers."""

    name = serializers.CharField(help_text="how a training names it")
    title = serializers.CharField()
    description = serializers.CharField()
    tasks = serializers.ListField(child=serializers.CharField())
    parameters = serializers.DictField(help_text="a JSON Schema per task")
    available = serializers.BooleanField()
    unavailable = serializers.CharField(help_text="why not, and what to do; empty where it is")


class RecipesView(GuardedView):
    permission_classes = (KnownPerson,)

    @extend_schema(responses=RecipeSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the training recipes with their parameters."""
        return Response(RecipeSerializer(listed_recipes(), many=True).data)
