from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from experiments import services
from experiments.api.views import found_benchmark
from experiments.models import CumulativeGain
from hokusai.web.views import MODEL_ID, ScopedViewSet
from registry.models import Model

MOST_GAINS = 100


class NewCumulativeGainSerializer(serializers.Serializer):
    benchmark = serializers.RegexField(
        r"^bmk_[0-9a-f]{32}\Z", required=False, help_text="else the one that decided last"
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "measured",
            {
                "benchmark": "bmk_" + "0" * 32,
                "metric": "accuracy",
                "first": 1,
                "head": 4,
                "delta_ppm": 104_000,
                "low_ppm": 81_000,
                "high_ppm": 128_000,
                "status": "succeeded",
                "job": "job_" + "0" * 32,
                "created_at": "2026-11-20T12:00:00Z",
                "measured_at": "2026-11-20T12:00:09Z",
            },
            response_only=True,
        )
    ]
)
class CumulativeGainSerializer(serializers.ModelSerializer):
    """How far a head was ahead of the first version, measured on the same rows, never summed."""

    benchmark = serializers.CharField(source="benchmark.public_id")
    metric = serializers.CharField(source="benchmark.metric")
    first = serializers.IntegerField(source="first.number")
    head = serializers.IntegerField(source="head.number")
    status = serializers.CharField(
        source="job.status", allow_null=True, default=None, help_text="of the measurement"
    )
    job = serializers.CharField(source="job.public_id", allow_null=True, default=None)

    class Meta:
        model = CumulativeGain
        fields = (
            "benchmark",
            "metric",
            "first",
            "head",
            "delta_ppm",
            "low_ppm",
            "high_ppm",
            "status",
            "job",
            "created_at",
            "measured_at",
        )


class CumulativeGainViewSet(ScopedViewSet):
    queryset = Model.objects.select_related("project", "head")
    view_permission = "registry.view_model"
    permissions: ClassVar = {
        "gains": "experiments.view_comparison",
        "measure": "experiments.request_comparison",
    }
    lookup_field = "model_id"
    lookup_value_regex = MODEL_ID
    pagination_class = None

    @extend_schema(responses=CumulativeGainSerializer(many=True))
    def gains(self, request: Request, model_id: str) -> Response:
        """How far the line has come since its first version, newest measurement first."""
        found = _gains(self.get_object())[:MOST_GAINS]
        return Response(CumulativeGainSerializer(found, many=True).data)

    @extend_schema(request=NewCumulativeGainSerializer, responses={202: CumulativeGainSerializer})
    def measure(self, request: Request, model_id: str) -> Response:
        """Measure the head against the first version; a worker does it, once per head."""
        form = NewCumulativeGainSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        model, wish = self.get_object(), form.validated_data.get("benchmark")
        benchmark = None if wish is None else found_benchmark(self, wish)
        gain = services.measure_cumulative_gain(model=model, benchmark=benchmark, actor=self.actor)
        shown = _gains(model).get(pk=gain.pk)
        return Response(CumulativeGainSerializer(shown).data, status=202)


def _gains(model: Model) -> Any:
    rows = CumulativeGain.objects.filter(model=model)
    return rows.select_related("benchmark", "first", "head", "job")
