from typing import Any

from rest_framework import serializers

from deployments.models import Deployment, Revision
from hokusai.web.serializers import ReadModelSerializer
from hokusai.web.views import MODEL_ID, SLUG


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


class DeploymentSerializer(ReadModelSerializer):
    """A place that serves, as it is answered."""

    model_id = serializers.CharField(source="model.model_id", help_text="project.model")
    live = serializers.SerializerMethodField(help_text="the revision that answers; null for none")
    predict = serializers.SerializerMethodField(help_text="where predictions are asked for")

    class Meta:
        model = Deployment
        fields = ("id", "model_id", "slug", "provider", "status", "live", "predict", "created_at")

    def get_live(self, deployment: Deployment) -> dict[str, Any] | None:
        """Number, version and digest of the live revision."""
        for revision in deployment.live_revisions:  # type: ignore[attr-defined]
            return {
                "id": revision.public_id,
                "number": revision.number,
                "version": revision.version.number,
                "digest": revision.digest,
                "live_at": revision.live_at,
            }
        return None

    def get_predict(self, deployment: Deployment) -> str:
        """The path of its predictions."""
        return f"/api/v1/deployments/{deployment.public_id}/predict"


class DeploySerializer(serializers.Serializer):
    """A request to serve a version."""

    model_id = serializers.RegexField(rf"^{MODEL_ID}\Z", help_text="project.model")
    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1, help_text="its number")
    slug = serializers.RegexField(
        rf"^{SLUG}\Z", default="production", help_text="name of the place within the model"
    )
    provider = serializers.CharField(default="local", max_length=40)
