from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contributions.building import build_candidate
from experiments.api.trainings import TrainingSerializer, trainings
from experiments.models import Benchmark
from hokusai.web.views import MODEL_ID, ScopedViewSet
from registry.models import Model

MOST_CONTRIBUTIONS = 1_000


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "everything that waits",
            {"benchmark": "bmk_" + "0" * 32, "recipe": "scikit-learn"},
            request_only=True,
        ),
        OpenApiExample(
            "a choice of contributions and parameters",
            {
                "benchmark": "bmk_" + "0" * 32,
                "recipe": "scikit-learn",
                "parameters": {"model": "hist_gradient_boosting", "trees": 200},
                "seeds": [1, 2, 3, 4, 5],
                "contributions": ["ctr_" + "0" * 32],
            },
            request_only=True,
        ),
    ]
)
class NewCandidateSerializer(serializers.Serializer):
    """What a candidate is built from; the recipes are listed at `training-recipes`."""

    benchmark = serializers.RegexField(r"^bmk_[0-9a-f]{32}\Z")
    recipe = serializers.CharField(max_length=40)
    parameters = serializers.DictField(required=False)
    seeds = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=2**31 - 1),
        required=False,
        min_length=3,
        max_length=20,
        help_text="different ones; the first builds the versions, all tell the spread",
    )
    contributions = serializers.ListField(
        child=serializers.RegexField(r"^ctr_[0-9a-f]{32}\Z"),
        required=False,
        min_length=1,
        max_length=MOST_CONTRIBUTIONS,
        help_text="else every accepted one that no version was made from",
    )

    def validate_parameters(self, value: Any) -> dict[str, Any]:
        """A plain object, as it is stored."""
        return dict(value)


class CandidateViewSet(ScopedViewSet):
    queryset = Model.objects.select_related("project", "head")
    view_permission = "registry.view_model"
    permissions: ClassVar = {"create": "experiments.request_training"}
    lookup_field = "model_id"
    lookup_value_regex = MODEL_ID

    @extend_schema(request=NewCandidateSerializer, responses={202: TrainingSerializer})
    def create(self, request: Request, model_id: str) -> Response:
        """Build a candidate from contributions: a worker trains it, its comparison follows."""
        form = NewCandidateSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        fields = form.validated_data
        model = self.get_object()
        benchmark = self.find(
            Benchmark.objects.select_related("project"),
            "experiments.view_benchmark",
            "project",
            public_id=fields.pop("benchmark"),
        )
        training = build_candidate(model=model, benchmark=benchmark, **fields, actor=self.actor)
        shown = trainings().get(pk=training.pk)
        context = self.get_serializer_context()
        return Response(TrainingSerializer(shown, context=context).data, status=202)
