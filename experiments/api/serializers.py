from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from experiments.models import Benchmark, Comparison, Evaluation, Experiment
from experiments.reports import ComparisonView, comparison_view
from hokusai.core.fields import slug_validator
from hokusai.web.serializers import ReadModelSerializer

METRIC_LENGTH = 40


class GuardrailSerializer(serializers.Serializer):
    metric = serializers.CharField(max_length=METRIC_LENGTH)
    margin_ppm = serializers.IntegerField(min_value=0, max_value=1_000_000)


class BenchmarkSerializer(ReadModelSerializer):
    """A benchmark's policy; its rows are nobody's to read here."""

    project = serializers.CharField(source="project.slug")
    dataset_version = serializers.CharField(source="dataset_version.public_id")
    features = serializers.ListField(child=serializers.CharField())
    guardrails = GuardrailSerializer(many=True)
    created_by = serializers.CharField(source="created_by.username")
    approved_by = serializers.CharField(
        source="approved_by.username", allow_null=True, default=None
    )

    class Meta:
        model = Benchmark
        fields = (
            "id",
            "project",
            "slug",
            "name",
            "dataset_version",
            "status",
            "task",
            "features",
            "label_column",
            "metric",
            "margin_ppm",
            "minimum_gain_ppm",
            "alpha",
            "guardrails",
            "seed",
            "spec_digest",
            "created_by",
            "approved_by",
            "approved_at",
            "created_at",
        )


class NewBenchmarkSerializer(serializers.Serializer):
    project = serializers.CharField(max_length=63)
    slug = serializers.CharField(max_length=63, validators=[slug_validator])
    name = serializers.CharField(max_length=200)
    dataset_version = serializers.RegexField(r"^dsv_[0-9a-f]{32}\Z")
    label_column = serializers.CharField(max_length=200)
    features = serializers.ListField(
        child=serializers.CharField(max_length=200), required=False, max_length=5_000
    )
    metric = serializers.CharField(required=False, max_length=METRIC_LENGTH)
    guardrails = GuardrailSerializer(many=True, required=False)
    margin_ppm = serializers.IntegerField(required=False, min_value=0, max_value=1_000_000)
    minimum_gain_ppm = serializers.IntegerField(required=False, min_value=0, max_value=1_000_000)
    alpha = serializers.FloatField(required=False, min_value=1e-9, max_value=0.499)
    seed = serializers.IntegerField(required=False, min_value=0, max_value=2**53 - 1)

    def validate_guardrails(self, value: list[Any]) -> list[dict[str, Any]]:
        """Plain objects, as the service stores them."""
        return [dict(item) for item in value]


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


class ComparisonViewSerializer(serializers.Serializer):
    """What whoever asks may see; scores and differences in millionths."""

    metric = serializers.CharField()
    reason = serializers.CharField()
    explanation = serializers.CharField()
    score_baseline = serializers.IntegerField(allow_null=True)
    score_candidate = serializers.IntegerField(allow_null=True)
    rounded = serializers.BooleanField()
    delta_ppm = serializers.IntegerField(allow_null=True)
    low_ppm = serializers.IntegerField(allow_null=True)
    high_ppm = serializers.IntegerField(allow_null=True)
    p_value = serializers.FloatField(allow_null=True)
    guardrails = GuardrailViewSerializer(many=True)
    confusions = ConfusionSerializer(many=True)


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
            "isolation_tier",
            "duration_ms",
            "created_at",
        )

    def get_score(self, evaluation: Evaluation) -> int | None:
        """As far as whoever asks may see it; rounded for a refused attempt."""
        view = view_of(evaluation.comparison, self.context)
        return view.score_baseline if evaluation.role == "baseline" else view.score_candidate

    def get_outcomes_digest(self, evaluation: Evaluation) -> str | None:
        """Equal digests would tell whether a change moved any row of a hidden benchmark."""
        hidden = view_of(evaluation.comparison, self.context).rounded
        return None if hidden else evaluation.outcomes_digest


def view_of(comparison: Comparison, context: Mapping[str, Any]) -> ComparisonView:
    """The comparison as whoever asks may see it."""
    return comparison_view(comparison, context["request"].user)
