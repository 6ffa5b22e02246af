from typing import Any

from rest_framework import serializers

from experiments.models import Run, RunHistory
from experiments.run_reports import RUNS_COMPARED
from hokusai.core.models import Job
from hokusai.web.serializers import ReadModelSerializer, ReadSerializer

RUN_IDS = rf"^run_[0-9a-f]{{32}}(,run_[0-9a-f]{{32}}){{1,{RUNS_COMPARED - 1}}}\Z"


class RunSerializer(ReadModelSerializer):
    """A run as it was last read from the tracking server."""

    project = serializers.CharField(source="experiment.project.slug")
    experiment = serializers.CharField(
        source="experiment.experiment_id", help_text="as the tracking server names it"
    )
    experiment_name = serializers.CharField(source="experiment.name")
    metrics = serializers.DictField(
        child=serializers.FloatField(), help_text="the latest finite value of each"
    )
    parameters = serializers.DictField(child=serializers.CharField())
    tags = serializers.DictField(child=serializers.CharField())

    class Meta:
        model = Run
        fields = (
            "id",
            "run_id",
            "project",
            "experiment",
            "experiment_name",
            "name",
            "status",
            "user",
            "started_at",
            "ended_at",
            "metrics",
            "parameters",
            "tags",
            "lifecycle",
            "seen_at",
        )


class RunsComparedSerializer(serializers.Serializer):
    """Which runs to compare."""

    ids = serializers.RegexField(
        RUN_IDS, help_text=f"ids of two to {RUNS_COMPARED} runs, separated by commas"
    )
    everything = serializers.BooleanField(
        default=False, help_text="with what is equal in all of them too"
    )

    def validate_ids(self, value: str) -> list[str]:
        """Ids, each once. Raises ValidationError where only one is left."""
        ids = list(dict.fromkeys(value.split(",")))
        if len(ids) == 1:
            raise serializers.ValidationError("Name at least two different runs.")
        return ids


class ComparedRunSerializer(serializers.Serializer):
    id = serializers.CharField(source="public_id")
    run_id = serializers.CharField()
    name = serializers.CharField()
    status = serializers.CharField()
    started_at = serializers.DateTimeField()


class ParameterLineSerializer(serializers.Serializer):
    name = serializers.CharField()
    values = serializers.ListField(
        child=serializers.CharField(allow_null=True), help_text="in the order of the runs"
    )
    differs = serializers.BooleanField()


class MetricLineSerializer(serializers.Serializer):
    name = serializers.CharField()
    values = serializers.ListField(
        child=serializers.FloatField(allow_null=True), help_text="in the order of the runs"
    )
    differs = serializers.BooleanField()


class RunComparisonSerializer(serializers.Serializer):
    """Runs side by side, in the order of their ids in the request."""

    runs = ComparedRunSerializer(many=True)
    parameters = ParameterLineSerializer(many=True)
    metrics = MetricLineSerializer(many=True)


class PointSerializer(serializers.Serializer):
    step = serializers.IntegerField()
    at_ms = serializers.IntegerField(help_text="Unix time in milliseconds")
    value = serializers.FloatField()


class RunHistorySerializer(ReadSerializer):
    """Values of one metric by step, thinned where there are very many."""

    metric = serializers.CharField()
    fetched_at = serializers.DateTimeField(
        allow_null=True, help_text="null: not fetched yet; POST …/history has it fetched"
    )
    total = serializers.IntegerField(help_text="how many points there were")
    points = PointSerializer(many=True)


class HistoryJobSerializer(serializers.Serializer):
    """The job that fetches."""

    job = serializers.CharField(source="public_id", help_text="as in `jobs/{id}`")
    status = serializers.CharField()


def history_of(metric: str, row: RunHistory | None) -> dict[str, Any]:
    """What is answered of a metric's history; of one not fetched yet, no points."""
    if row is None:
        return {"metric": metric, "fetched_at": None, "total": 0, "points": []}
    points = [{"step": step, "at_ms": at_ms, "value": value} for step, at_ms, value in row.points]
    return {
        "metric": metric,
        "fetched_at": row.fetched_at,
        "total": row.total,
        "points": points,
    }


def job_of(job: Job) -> Any:
    """The answer to a request for a history."""
    return HistoryJobSerializer(job).data
