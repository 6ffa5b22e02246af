from typing import Any

from rest_framework import serializers

from deployments import services
from deployments.choices import Environment, RevisionStatus
from deployments.models import Deployment, Revision
from hokusai.web.serializers import ReadModelSerializer
from hokusai.web.views import MODEL_ID, SLUG
from registry.choices import Stage

INT32 = 2**31 - 1


class RevisionSerializer(ReadModelSerializer):
    """One version in one deployment, as it is answered."""

    deployment = serializers.CharField(source="deployment.public_id", help_text="its public id")
    model_id = serializers.CharField(source="deployment.model.model_id", help_text="project.model")
    version = serializers.IntegerField(source="version.number", help_text="the version's number")
    job = serializers.CharField(
        source="job.public_id", allow_null=True, default=None, help_text="the rollout's job"
    )

    class Meta:
        model = Revision
        fields = (
            "id",
            "deployment",
            "model_id",
            "number",
            "version",
            "digest",
            "status",
            "error",
            "job",
            "created_at",
            "live_at",
            "ended_at",
        )


class ServingPolicySerializer(serializers.ModelSerializer):
    """How a deployment serves."""

    class Meta:
        model = Deployment
        fields = services.CONFIGURABLE


class ServingPolicyChangeSerializer(serializers.Serializer):
    """What is to change of how a deployment serves; what is left out stays."""

    required_stage = serializers.ChoiceField(
        choices=[stage for stage in Stage.values if stage != Stage.ARCHIVED],
        required=False,
        help_text="stage that a version must have reached; never below the environment's",
    )
    require_digest = serializers.BooleanField(
        required=False, help_text="whoever deploys must state the digest of the bytes meant"
    )
    memory_bytes = serializers.IntegerField(
        required=False, max_value=2**62, help_text="what the model's process may hold"
    )
    latency_budget_ms = serializers.FloatField(
        required=False, help_text="how long a request may wait to be answered with others"
    )
    idle_s = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=INT32,
        help_text="seconds without a request after which the process ends; 0: never",
    )
    deadline_ms = serializers.IntegerField(
        required=False, help_text="how long a prediction may take, unless the request says less"
    )
    rate_per_minute = serializers.IntegerField(
        required=False,
        allow_null=True,
        max_value=INT32,
        help_text="predictions per minute from all callers; null: any",
    )
    personal_data = serializers.BooleanField(
        required=False, help_text="whether the rows may tell of persons"
    )
    cache_s = serializers.IntegerField(
        required=False,
        allow_null=True,
        max_value=INT32,
        help_text="how long a result is kept; null: not for personal data, else a minute",
    )
    log_sample = serializers.FloatField(
        required=False, help_text="part of the predictions that the log keeps, from 0 to 1"
    )
    log_payloads = serializers.BooleanField(
        required=False, help_text="whether the log keeps rows and outputs"
    )
    log_every_row = serializers.BooleanField(
        required=False, help_text="what finds no room in the log's queue goes to disk"
    )
    redacted_columns = serializers.ListField(
        child=serializers.CharField(max_length=200),
        required=False,
        max_length=200,
        help_text="columns whose values the log never keeps",
    )


class DeploymentSerializer(ReadModelSerializer):
    """A place that serves, as it is answered."""

    model_id = serializers.CharField(source="model.model_id", help_text="project.model")
    live = serializers.SerializerMethodField(help_text="the revision that answers; null for none")
    standby = serializers.SerializerMethodField(
        help_text="the revision that a roll-back makes live at once; null for none"
    )
    predict = serializers.SerializerMethodField(help_text="where predictions are asked for")
    policy = ServingPolicySerializer(source="*", read_only=True, help_text="how it serves")

    class Meta:
        model = Deployment
        fields = (
            "id",
            "model_id",
            "slug",
            "environment",
            "provider",
            "status",
            "live",
            "standby",
            "predict",
            "policy",
            "created_at",
        )

    def get_live(self, deployment: Deployment) -> dict[str, Any] | None:
        """Number, version and digest of the live revision."""
        return _kept(deployment, RevisionStatus.LIVE)

    def get_standby(self, deployment: Deployment) -> dict[str, Any] | None:
        """The same of the revision kept for a roll-back."""
        return _kept(deployment, RevisionStatus.STANDBY)

    def get_predict(self, deployment: Deployment) -> str:
        """The path of its predictions."""
        return f"/api/v1/deployments/{deployment.public_id}/predict"


def _kept(deployment: Deployment, status: RevisionStatus) -> dict[str, Any] | None:
    for revision in deployment.kept_revisions:  # type: ignore[attr-defined]
        if revision.status == status:
            return {
                "id": revision.public_id,
                "number": revision.number,
                "version": revision.version.number,
                "digest": revision.digest,
                "live_at": revision.live_at,
            }
    return None


class DeploySerializer(serializers.Serializer):
    """A request to serve a version."""

    model_id = serializers.RegexField(rf"^{MODEL_ID}\Z", help_text="project.model")
    version = serializers.IntegerField(min_value=1, max_value=INT32, help_text="its number")
    slug = serializers.RegexField(
        rf"^{SLUG}\Z", default="production", help_text="name of the place within the model"
    )
    provider = serializers.CharField(default="local", max_length=40)
    environment = serializers.ChoiceField(
        choices=Environment.choices,
        required=False,
        allow_null=True,
        default=None,
        help_text="of a new place; else the one that its name says, else development",
    )
    digest = serializers.RegexField(
        r"^[0-9a-f]{64}\Z",
        required=False,
        allow_blank=True,
        default="",
        help_text="tree digest of the bytes meant; production asks for it",
    )
