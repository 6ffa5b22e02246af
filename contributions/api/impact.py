from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contributions.impact import Slice, impact_of, leaderboard, metrics_with_credit
from hokusai.accounts.models import Project
from hokusai.core.errors import InvalidInput
from hokusai.core.fields import SLUG_PATTERN
from hokusai.web.permissions import KnownPerson
from hokusai.web.serializers import ReadSerializer
from hokusai.web.views import MODEL_ID, GuardedView, readable_projects

MOST = 200
GAIN = "millionths of the metric's unit; 10,000 is one percentage point of a proportion"


class SliceSerializer(serializers.Serializer):
    """Which part of the credit is asked for."""

    project = serializers.RegexField(rf"^{SLUG_PATTERN}\Z", required=False)
    model_id = serializers.RegexField(rf"^{MODEL_ID}\Z", required=False)
    since = serializers.DateField(required=False, help_text="day of signing, UTC")
    until = serializers.DateField(required=False, help_text="day of signing, UTC, included")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Raises ValidationError for a time that ends before it begins."""
        since, until = attrs.get("since"), attrs.get("until")
        if since and until and since > until:
            raise serializers.ValidationError({"until": "It lies before since."})
        return attrs


class LeadersSerializer(SliceSerializer):
    """Which leaderboard is asked for."""

    metric = serializers.CharField(required=False, max_length=40)
    limit = serializers.IntegerField(required=False, min_value=1, max_value=MOST, default=20)


class CreditTotalSerializer(serializers.Serializer):
    metric = serializers.CharField()
    credited_ppm = serializers.IntegerField(help_text=GAIN)
    shares = serializers.IntegerField()
    rank = serializers.IntegerField(help_text="among those that whoever asks may see")
    people = serializers.IntegerField(help_text="how many these are")


class CreditOfModelSerializer(serializers.Serializer):
    model_id = serializers.CharField()
    metric = serializers.CharField()
    credited_ppm = serializers.IntegerField()
    shares = serializers.IntegerField()


class CreditOfMonthSerializer(serializers.Serializer):
    month = serializers.DateField(help_text="its first day")
    metric = serializers.CharField()
    credited_ppm = serializers.IntegerField()


class ImpactLineSerializer(serializers.Serializer):
    improvement_id = serializers.CharField()
    model_id = serializers.CharField()
    version = serializers.IntegerField()
    metric = serializers.CharField()
    delta_ppm = serializers.IntegerField(help_text="measured on the rows that decide")
    payable_ppm = serializers.IntegerField(help_text="confirmed on untouched rows")
    payable_reason = serializers.CharField(allow_blank=True, help_text="why nothing is payable")
    basis_points = serializers.IntegerField()
    credited_ppm = serializers.IntegerField(help_text="0 until an attestation proves it")
    method = serializers.CharField()
    attestation_id = serializers.CharField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)


class GivenLineSerializer(serializers.Serializer):
    contribution_id = serializers.CharField()
    model_id = serializers.CharField()
    rows = serializers.IntegerField(allow_null=True)
    status = serializers.CharField()
    reasons = serializers.ListField(child=serializers.DictField())
    credited_ppm = serializers.IntegerField()


class ContributorSerializer(ReadSerializer):
    """Whoever gives under an address, with sums as far as whoever asks may see."""

    address = serializers.CharField()
    contributor = serializers.CharField()
    totals = CreditTotalSerializer(many=True)


class ImpactSerializer(ContributorSerializer):
    """Sums over everything; lines are the latest fifty."""

    models = CreditOfModelSerializer(many=True)
    months = CreditOfMonthSerializer(many=True)
    improvements = ImpactLineSerializer(many=True)
    contributions = GivenLineSerializer(many=True)


class StandingSerializer(serializers.Serializer):
    rank = serializers.IntegerField()
    address = serializers.CharField()
    name = serializers.CharField()
    shares = serializers.IntegerField()
    credited_ppm = serializers.IntegerField(help_text=GAIN)


class LeaderboardSerializer(ReadSerializer):
    """People by credit in one metric."""

    metric = serializers.CharField(allow_blank=True)
    metrics = serializers.ListField(
        child=serializers.CharField(), help_text="metrics that anybody is credited in"
    )
    results = StandingSerializer(many=True)


_SLICE = [
    OpenApiParameter("project", str, description="slug of a project"),
    OpenApiParameter("model_id", str, description="project.model"),
    OpenApiParameter("since", {"type": "string", "format": "date"}),
    OpenApiParameter("until", {"type": "string", "format": "date"}),
]
_LINE = {
    "metric": "accuracy",
    "credited_ppm": 18_250,
    "shares": 2,
    "rank": 1,
    "people": 7,
}


class _SliceView(GuardedView):
    """A view that answers for a part of the credit."""

    permission_classes = (KnownPerson,)

    def asked(self, form: serializers.Serializer) -> dict[str, Any]:
        """The parameters. Raises InvalidInput for unknown ones, ValidationError for bad ones.

        A project or model that is hidden or absent has no credit.
        """
        known = set(form.fields)
        if unknown := sorted(set(self.request.query_params) - known - {"fields", "format"}):
            raise InvalidInput(f"Unknown parameters: {', '.join(unknown)}.", known=sorted(known))
        form.is_valid(raise_exception=True)
        fields: dict[str, Any] = dict(form.validated_data)
        return fields

    @property
    def seen(self) -> QuerySet[Project]:
        """Projects whose improvements whoever asks may see."""
        return readable_projects(self.request, "contributions.view_improvement")


class ContributorView(_SliceView):
    @extend_schema(responses=ContributorSerializer)
    def get(self, request: Request, address: str) -> Response:
        """Show who gives under an address, and how much came of it."""
        impact = impact_of(address, self.seen)
        return Response(ContributorSerializer(impact, context={"request": request}).data)


class ImpactView(_SliceView):
    @extend_schema(
        parameters=_SLICE,
        responses=ImpactSerializer,
        examples=[
            OpenApiExample(
                "Two attested shares",
                value={
                    "address": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
                    "contributor": "Anna",
                    "totals": [_LINE],
                    "models": [
                        {
                            "model_id": "digits.classifier",
                            "metric": "accuracy",
                            "credited_ppm": 18_250,
                            "shares": 2,
                        }
                    ],
                    "months": [
                        {"month": "2026-11-01", "metric": "accuracy", "credited_ppm": 18_250}
                    ],
                    "improvements": [],
                    "contributions": [],
                },
                response_only=True,
            )
        ],
    )
    def get(self, request: Request, address: str) -> Response:
        """Show what a contributor gave and what it improved, confirmed and attested."""
        part = Slice(**self.asked(SliceSerializer(data=request.query_params.dict())))
        impact = impact_of(address, self.seen, part)
        return Response(ImpactSerializer(impact, context={"request": request}).data)


class LeaderboardView(_SliceView):
    @extend_schema(
        parameters=[
            *_SLICE,
            OpenApiParameter("metric", str, description="the first with credit where absent"),
            OpenApiParameter("limit", int, description=f"at most {MOST}; 20 where absent"),
        ],
        responses=LeaderboardSerializer,
        examples=[
            OpenApiExample(
                "One contributor",
                value={
                    "metric": "accuracy",
                    "metrics": ["accuracy"],
                    "results": [
                        {
                            "rank": 1,
                            "address": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
                            "name": "Anna",
                            "shares": 2,
                            "credited_ppm": 18_250,
                        }
                    ],
                },
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        """List contributors by attested credit in one metric."""
        fields = self.asked(LeadersSerializer(data=request.query_params.dict()))
        limit, metrics = fields.pop("limit"), metrics_with_credit(self.seen)
        metric = fields.pop("metric", metrics[0] if metrics else "")
        rows = leaderboard(self.seen, metric, Slice(**fields), limit)
        body = {"metric": metric, "metrics": metrics, "results": rows}
        return Response(LeaderboardSerializer(body, context={"request": request}).data)
