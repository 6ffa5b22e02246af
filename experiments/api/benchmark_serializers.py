from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from experiments.choices import Task
from experiments.models import Benchmark
from experiments.planning import Plan, in_words
from experiments.registered_metrics import metric_of
from hokusai.core.fields import slug_validator
from hokusai.web.serializers import ReadModelSerializer

PLAIN = OpenApiExample(
    "accuracy, with a guardrail",
    {
        "project": "tides",
        "slug": "held-out",
        "name": "Held out",
        "dataset_version": "dsv_" + "0" * 32,
        "label_column": "label",
        "metric": "accuracy",
        "guardrails": [{"metric": "log_loss", "margin_ppm": 5_000}],
        "slice_columns": ["region"],
        "confirmation_ppm": 300_000,
    },
    request_only=True,
)
RANKING = OpenApiExample(
    "a ranking by query",
    {
        "project": "tides",
        "slug": "search",
        "name": "Search",
        "dataset_version": "dsv_" + "0" * 32,
        "task": "ranking",
        "label_column": "relevance",
        "group_column": "query",
        "metric": "ndcg@10",
        "minimum_gain_ppm": 5_000,
    },
    request_only=True,
)
PLANNED = OpenApiExample(
    "the fourth attempt on 560 rows",
    {
        "attempt": 4,
        "alpha_e9": 949_886,
        "metric": "accuracy",
        "unit": "share of rows",
        "margin_ppm": 0,
        "minimum_gain_ppm": 10_000,
        "gain_ppm": 30_000,
        "disagreement_ppm": 100_000,
        "deviation_ppm": None,
        "power_ppm": 800_000,
        "rows": 560,
        "clusters": None,
        "effective_rows": 560,
        "rows_needed": 1_721,
        "power_of_gain_ppm": 193_000,
        "detectable_ppm": 52_000,
        "sentence": "This would be attempt 4 on these rows, at level 0.00095. With 560 rows and "
        "10 % disagreement a true gain of 5.2 percentage points is found in 80% of tries.",
    },
    response_only=True,
)
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
    slice_columns = serializers.ListField(child=serializers.CharField())
    direction = serializers.SerializerMethodField(help_text="which way the metric gets better")
    unit = serializers.SerializerMethodField(help_text="of the metric; fixed by it")
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
            "cluster_column",
            "weight_column",
            "group_column",
            "slice_columns",
            "metric",
            "direction",
            "unit",
            "confirmation_ppm",
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

    def get_direction(self, benchmark: Benchmark) -> str:
        """Fixed by the metric."""
        return metric_of(benchmark.metric).direction.value

    def get_unit(self, benchmark: Benchmark) -> str:
        """Fixed by the metric."""
        return metric_of(benchmark.metric).unit


@extend_schema_serializer(examples=[PLAIN, RANKING])
class NewBenchmarkSerializer(serializers.Serializer):
    """What a benchmark fixes. Without `confirmation_ppm` three tenths of the rows are kept to
    confirm where that keeps at least 100 rows, or 30 clusters, and else none.
    """

    project = serializers.CharField(max_length=63)
    slug = serializers.CharField(max_length=63, validators=[slug_validator])
    name = serializers.CharField(max_length=200)
    dataset_version = serializers.RegexField(r"^dsv_[0-9a-f]{32}\Z")
    label_column = serializers.CharField(max_length=200)
    features = serializers.ListField(
        child=serializers.CharField(max_length=200), required=False, max_length=5_000
    )
    task = serializers.RegexField(
        rf"^({'|'.join(Task.values)})\Z",
        required=False,
        help_text="classification, regression or ranking",
    )
    cluster_column = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=200,
        help_text="rows that share a value are no independent evidence",
    )
    weight_column = serializers.CharField(required=False, allow_blank=True, max_length=200)
    group_column = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=200,
        help_text="of a ranking: the query whose rows are ordered together",
    )
    slice_columns = serializers.ListField(
        child=serializers.CharField(max_length=200), required=False, max_length=20
    )
    confirmation_ppm = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=900_000,
        help_text="millionths of the rows, or clusters, kept to confirm; with 0 nothing is payable",
    )
    metric = serializers.CharField(
        required=False,
        max_length=METRIC_LENGTH,
        help_text="accuracy, f1, balanced_accuracy, auroc, log_loss, brier_score; mae, rmse, r2, "
        "poisson_deviance; ndcg@k; or one that is registered here",
    )
    guardrails = GuardrailSerializer(many=True, required=False)
    margin_ppm = serializers.IntegerField(required=False, min_value=0, max_value=1_000_000)
    minimum_gain_ppm = serializers.IntegerField(required=False, min_value=0, max_value=1_000_000)
    alpha = serializers.FloatField(required=False, min_value=1e-9, max_value=0.499)
    seed = serializers.IntegerField(required=False, min_value=0, max_value=2**53 - 1)

    def validate_guardrails(self, value: list[Any]) -> list[dict[str, Any]]:
        """Plain objects, as the service stores them."""
        return [dict(item) for item in value]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """What is left out is left to the rule."""
        return {"confirmation_ppm": None, **attrs}


class LedgerLineSerializer(serializers.Serializer):
    """One try against a set of rows; its number and level were logged before anything was asked."""

    number = serializers.IntegerField()
    split = serializers.CharField(help_text="screening or confirmation")
    alpha_e9 = serializers.IntegerField(help_text="level that it may spend, in billionths")
    comparison = serializers.CharField(source="comparison_id")
    label = serializers.CharField()  # type: ignore[assignment]
    requested_by = serializers.CharField()
    result = serializers.CharField()
    record = serializers.CharField(source="record_id", help_text="of the transparency log")
    record_digest = serializers.CharField(help_text="sha256 of the logged statement")
    previous = serializers.CharField(help_text="digest of the attempt before; empty for the first")
    log_index = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()


class PowerQuerySerializer(serializers.Serializer):
    """What is planned for; what is left out is taken by default."""

    gain_ppm = serializers.IntegerField(
        required=False, min_value=1, max_value=2**31 - 1, help_text="true gain; 30,000 unless set"
    )
    disagreement_ppm = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=1_000_000,
        help_text="share of the rows on which exactly one version is right; 100,000 unless set",
    )
    deviation_ppm = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        help_text="standard deviation of a row's gain, for metrics that are no share of hits",
    )
    power_ppm = serializers.IntegerField(required=False, min_value=500_000, max_value=999_000)
    correlation_ppm = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=1_000_000,
        help_text="of gains within a cluster; 100,000 unless set",
    )
    attempt = serializers.IntegerField(
        required=False, min_value=1, max_value=1_000_000, help_text="the next one unless set"
    )


@extend_schema_serializer(examples=[PLANNED])
class PlanSerializer(serializers.Serializer):
    """What the rows that decide can show at an attempt; differences in millionths."""

    attempt = serializers.IntegerField()
    alpha_e9 = serializers.IntegerField()
    metric = serializers.CharField()
    unit = serializers.CharField()
    margin_ppm = serializers.IntegerField()
    minimum_gain_ppm = serializers.IntegerField()
    gain_ppm = serializers.IntegerField()
    disagreement_ppm = serializers.IntegerField(allow_null=True)
    deviation_ppm = serializers.IntegerField(allow_null=True)
    power_ppm = serializers.IntegerField()
    rows = serializers.IntegerField()
    clusters = serializers.IntegerField(allow_null=True)
    effective_rows = serializers.IntegerField(help_text="what clustered rows are worth")
    rows_needed = serializers.IntegerField(allow_null=True, help_text="null where none suffice")
    power_of_gain_ppm = serializers.IntegerField()
    detectable_ppm = serializers.IntegerField(
        allow_null=True, help_text="smallest true gain that these rows find so often"
    )
    sentence = serializers.SerializerMethodField()

    def get_sentence(self, plan: Plan) -> str:
        """The same in words."""
        return in_words(plan)
