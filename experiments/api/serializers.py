from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from experiments.models import Comparison, Evaluation, Experiment
from experiments.reports import ComparisonView, comparison_view, evaluation_score
from hokusai.web.serializers import ReadModelSerializer


class ExperimentSerializer(ReadModelSerializer):
    project = serializers.CharField(source="project.slug")
    model_id = serializers.CharField(source="model.model_id")
    baseline = serializers.IntegerField(source="baseline.number")
    benchmark = serializers.CharField(source="benchmark.public_id")
    created_by = serializers.CharField(source="created_by.username")

    class Meta:
        model = Experiment
        fields = (
            "id",
            "project",
            "name",
            "hypothesis",
            "model_id",
            "baseline",
            "benchmark",
            "created_by",
            "created_at",
        )


class NewExperimentSerializer(serializers.Serializer):
    name = serializers.CharField(max_length=200)
    hypothesis = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    baseline = serializers.RegexField(
        r"^mdv_[0-9a-f]{32}\Z", help_text="public id of a version; names the model as well"
    )
    benchmark = serializers.RegexField(r"^bmk_[0-9a-f]{32}\Z")


class GuardrailViewSerializer(serializers.Serializer):
    metric = serializers.CharField()
    margin_ppm = serializers.IntegerField()
    harm_upper_ppm = serializers.IntegerField(allow_null=True)
    passed = serializers.BooleanField()


class ConfusionSerializer(serializers.Serializer):
    role = serializers.CharField()
    labels = serializers.ListField(child=serializers.CharField())
    counts = serializers.ListField(child=serializers.ListField(child=serializers.IntegerField()))


class SliceSerializer(serializers.Serializer):
    """The deciding metric where a column has one value; null where the rows are too few."""

    column = serializers.CharField()
    value = serializers.CharField()
    rows = serializers.IntegerField()
    score_baseline = serializers.IntegerField(allow_null=True)
    score_candidate = serializers.IntegerField(allow_null=True)
    delta_ppm = serializers.IntegerField(allow_null=True)
    low_ppm = serializers.IntegerField(allow_null=True)
    high_ppm = serializers.IntegerField(allow_null=True)
    p_value = serializers.FloatField(allow_null=True, help_text="two-sided, of no difference")
    p_holm = serializers.FloatField(allow_null=True, help_text="after Holm's correction")


class OtherMethodSerializer(serializers.Serializer):
    """The same gain by a method that decides nothing."""

    method = serializers.CharField()
    low_ppm = serializers.IntegerField(allow_null=True)
    high_ppm = serializers.IntegerField(allow_null=True)
    p_value = serializers.FloatField(help_text="one-sided, of the margin")


class EffectSerializer(serializers.Serializer):
    delta_ppm = serializers.IntegerField()
    low_ppm = serializers.IntegerField(allow_null=True)
    high_ppm = serializers.IntegerField(allow_null=True)
    p_value = serializers.FloatField()


class CreditLineSerializer(serializers.Serializer):
    """What the added data did (candidate minus control) and what the engineering did."""

    data = EffectSerializer()  # type: ignore[assignment]
    engineering = EffectSerializer()


class SeedsSerializer(serializers.Serializer):
    """The gain under each seed of the training; `effects_ppm` against the control of that seed."""

    seeds = serializers.ListField(child=serializers.IntegerField())
    deltas_ppm = serializers.ListField(child=serializers.IntegerField())
    effects_ppm = serializers.ListField(child=serializers.IntegerField())
    sd_ppm = serializers.IntegerField(help_text="sample deviation of the gains")


class ConfirmationSerializer(serializers.Serializer):
    """What rows that no decision had touched say; numbers once confirmed, or for reviewers."""

    status = serializers.CharField(help_text="one of requested, confirmed, unconfirmed, failed")
    explanation = serializers.CharField()
    delta_ppm = serializers.IntegerField(allow_null=True)
    low_ppm = serializers.IntegerField(allow_null=True)
    high_ppm = serializers.IntegerField(allow_null=True)
    p_value = serializers.FloatField(allow_null=True)


class ComparisonViewSerializer(serializers.Serializer):
    """What whoever asks may see; scores and differences in millionths.

    Of a refused attempt those who compete hear the verdict and scores rounded to a percentage
    point. Slices, other methods and confusions are for reviewers alone.
    """

    metric = serializers.CharField()
    unit = serializers.CharField()
    reason = serializers.CharField()
    explanation = serializers.CharField()
    score_baseline = serializers.IntegerField(allow_null=True)
    score_candidate = serializers.IntegerField(allow_null=True)
    rounded = serializers.BooleanField()
    rows = serializers.IntegerField(allow_null=True, help_text="that decided")
    clusters = serializers.IntegerField(allow_null=True)
    weighted = serializers.BooleanField()
    delta_ppm = serializers.IntegerField(allow_null=True)
    low_ppm = serializers.IntegerField(allow_null=True)
    high_ppm = serializers.IntegerField(allow_null=True)
    p_value = serializers.FloatField(allow_null=True)
    alpha = serializers.FloatField(allow_null=True, help_text="level that the attempt spent")
    guardrails = GuardrailViewSerializer(many=True)
    slices = SliceSerializer(many=True)
    looks = OtherMethodSerializer(many=True)
    confusions = ConfusionSerializer(many=True)
    credit = CreditLineSerializer(allow_null=True)
    seeds = SeedsSerializer(allow_null=True)
    confirmation = ConfirmationSerializer(allow_null=True)


class ComparisonSerializer(ReadModelSerializer):
    project = serializers.CharField(source="benchmark.project.slug")
    benchmark = serializers.CharField(source="benchmark.public_id")
    experiment = serializers.CharField(source="experiment.public_id", allow_null=True, default=None)
    model_id = serializers.CharField(source="candidate.model.model_id")
    baseline = serializers.IntegerField(source="baseline.number")
    candidate = serializers.IntegerField(source="candidate.number")
    job = serializers.CharField(source="job.public_id", allow_null=True, default=None)
    requested_by = serializers.CharField(source="requested_by.username")
    result = serializers.SerializerMethodField()

    class Meta:
        model = Comparison
        fields = (
            "id",
            "project",
            "benchmark",
            "experiment",
            "model_id",
            "baseline",
            "candidate",
            "baseline_digest",
            "candidate_digest",
            "status",
            "attempt",
            "job",
            "requested_by",
            "created_at",
            "decided_at",
            "result",
        )

    @extend_schema_field(ComparisonViewSerializer)
    def get_result(self, comparison: Comparison) -> Any:
        """What whoever asks may see of it."""
        return ComparisonViewSerializer(view_of(comparison, self.context)).data


class NewComparisonSerializer(serializers.Serializer):
    benchmark = serializers.RegexField(r"^bmk_[0-9a-f]{32}\Z")
    baseline = serializers.RegexField(r"^mdv_[0-9a-f]{32}\Z")
    candidate = serializers.RegexField(r"^mdv_[0-9a-f]{32}\Z")
    experiment = serializers.RegexField(r"^exp_[0-9a-f]{32}\Z", required=False, allow_null=True)


class EvaluationSerializer(ReadModelSerializer):
    comparison = serializers.CharField(source="comparison.public_id")
    model_id = serializers.CharField(source="version.model.model_id")
    number = serializers.IntegerField(source="version.number")
    score = serializers.SerializerMethodField(help_text="of the deciding metric, in millionths")
    outcomes_digest = serializers.SerializerMethodField(
        help_text="sha256 of the outcomes per row; null for most where the attempt was refused"
    )

    outcomes_root = serializers.SerializerMethodField(
        help_text="salted Merkle root of the outcomes per row; null where the digest is"
    )

    class Meta:
        model = Evaluation
        fields = (
            "id",
            "comparison",
            "model_id",
            "number",
            "role",
            "row_count",
            "score",
            "outcomes_digest",
            "outcomes_root",
            "isolation_tier",
            "duration_ms",
            "created_at",
        )

    def get_score(self, evaluation: Evaluation) -> int | None:
        """As far as whoever asks may see it; rounded for a refused attempt."""
        return evaluation_score(evaluation, self.context["request"].user)[0]

    def get_outcomes_digest(self, evaluation: Evaluation) -> str | None:
        """Equal digests would tell whether a change moved any row of a hidden benchmark."""
        return None if self._hides(evaluation) else evaluation.outcomes_digest

    def get_outcomes_root(self, evaluation: Evaluation) -> str | None:
        """What commits to the outcomes; it tells none of them."""
        return None if self._hides(evaluation) else evaluation.outcomes_root

    def _hides(self, evaluation: Evaluation) -> bool:
        return evaluation_score(evaluation, self.context["request"].user)[1]


def view_of(comparison: Comparison, context: Mapping[str, Any]) -> ComparisonView:
    """The comparison as whoever asks may see it."""
    return comparison_view(comparison, context["request"].user)
