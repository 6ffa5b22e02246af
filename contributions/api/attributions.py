from typing import Any, ClassVar

from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contributions import services
from contributions.attribution_reports import (
    SEES_GIVERS,
    AttributionView,
    attribution_of,
    attribution_view,
)
from contributions.models import Attribution, Improvement
from hokusai.storage import stores
from hokusai.web.serializers import ReadSerializer
from hokusai.web.views import ScopedViewSet

VALUE = "millionths of the metric's unit; null where the method measures none"
BOUND = "null where there are too few rows to tell"


class PlayerSerializer(serializers.Serializer):
    """One person's part; several wallets of a person are one."""

    name = serializers.CharField(help_text="the address, or a pseudonym for outsiders")
    address = serializers.CharField(allow_null=True, help_text="EIP-55; null for outsiders")
    contributions = serializers.ListField(child=serializers.CharField())
    new_rows = serializers.IntegerField(allow_null=True, help_text="that nobody gave before")
    value_ppm = serializers.IntegerField(allow_null=True, help_text=VALUE)
    low_ppm = serializers.IntegerField(allow_null=True, help_text=BOUND)
    high_ppm = serializers.IntegerField(allow_null=True, help_text=BOUND)
    basis_points = serializers.IntegerField(help_text="of 10,000; 0 where chance explains it")


class AlternativeSerializer(serializers.Serializer):
    """An attribution; `decides` says whether shares follow from it."""

    id = serializers.CharField()
    method = serializers.CharField()
    status = serializers.CharField(help_text="pending, done or failed")
    explanation = serializers.CharField(help_text="why it failed")
    decides = serializers.BooleanField()
    metric = serializers.CharField()
    payable_ppm = serializers.IntegerField(help_text="what untouched rows confirm of the gain")
    payable_reason = serializers.CharField(help_text="why nothing is payable")
    evaluations = serializers.IntegerField(help_text="coalitions that were trained")
    error_bound_ppm = serializers.IntegerField(help_text="of sampled values; 0: they are exact")
    batches = serializers.IntegerField(help_text="jobs that train coalitions")
    batches_done = serializers.IntegerField()
    players = PlayerSerializer(many=True)
    report_digest = serializers.CharField(help_text="sha256 of the report; empty until it is done")
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


EXAMPLE = {
    "id": "atr_" + "0" * 32,
    "method": "shapley-exact/1",
    "status": "done",
    "explanation": "",
    "decides": True,
    "metric": "accuracy",
    "payable_ppm": 59_375,
    "payable_reason": "",
    "evaluations": 4,
    "error_bound_ppm": 0,
    "batches": 1,
    "batches_done": 1,
    "players": [
        {
            "name": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "address": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "contributions": ["ctr_" + "0" * 32],
            "new_rows": 200,
            "value_ppm": 46_874,
            "low_ppm": 31_556,
            "high_ppm": 62_194,
            "basis_points": 10_000,
        },
        {
            "name": "contributor 2",
            "address": None,
            "contributions": [],
            "new_rows": None,
            "value_ppm": 9_374,
            "low_ppm": -1_061,
            "high_ppm": 19_811,
            "basis_points": 0,
        },
    ],
    "report_digest": "0" * 64,
    "created_at": "2026-11-20T18:00:00Z",
    "finished_at": "2026-11-20T18:02:00Z",
    "alternatives": [],
}


@extend_schema_serializer(
    examples=[OpenApiExample("two persons, as one of them sees it", EXAMPLE, response_only=True)]
)
class AttributionSerializer(ReadSerializer, AlternativeSerializer):
    """The attribution that decides, and what other methods say."""

    alternatives = AlternativeSerializer(many=True)


@extend_schema_serializer(
    examples=[OpenApiExample("cheap", {"method": "knn-shapley/1"}, request_only=True)]
)
class NewAttributionSerializer(serializers.Serializer):
    """Another method, whose values are indicative; or, once it failed, the one that decides."""

    method = serializers.ChoiceField(services.METHODS)


class AttributionViewSet(ScopedViewSet):
    queryset = Improvement.objects.with_names().select_related("attribution")
    view_permission = "contributions.view_improvement"
    project_path = "model__project"
    permissions: ClassVar = {
        "retrieve": "contributions.view_improvement",
        "create": "contributions.request_attribution",
    }

    @extend_schema(responses=AttributionSerializer)
    def retrieve(self, request: Request, public_id: str) -> Response:
        """Show how a gain was attributed; persons by address where one may know who gave."""
        return Response(self._shown(self.get_object()))

    @extend_schema(request=NewAttributionSerializer, responses={202: AttributionSerializer})
    def create(self, request: Request, public_id: str) -> Response:
        """Ask what another method says, or try again what failed; shares stay as they are."""
        form = NewAttributionSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        improvement = self.get_object()
        services.request_attribution(
            improvement_id=improvement.pk, **form.validated_data, actor=self.actor
        )
        return Response(self._shown(improvement), status=202)

    def _shown(self, improvement: Improvement) -> Any:
        view: AttributionView = attribution_view(
            found_attribution(improvement), improvement, self.request.user
        )
        return AttributionSerializer(view, context=self.get_serializer_context()).data


class AttributionReportViewSet(ScopedViewSet):
    queryset = Improvement.objects.with_names().select_related("attribution")
    # The report names who gave.
    view_permission = SEES_GIVERS
    project_path = "model__project"
    permissions: ClassVar = {"retrieve": SEES_GIVERS}

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def retrieve(self, request: Request, public_id: str) -> HttpResponse:
        """Answer the report, byte for byte as its digest says: scores, values, bounds, rows."""
        attribution = found_attribution(self.get_object())
        if not attribution.report_digest:
            raise Http404
        content = stores["default"].get(attribution.report_digest)
        return HttpResponse(content, content_type="application/json")


def found_attribution(improvement: Improvement) -> Attribution:
    """The attribution that decides. Raises Http404 for gains from before there were any."""
    attribution = attribution_of(improvement)
    if attribution is None:
        raise Http404
    return attribution
