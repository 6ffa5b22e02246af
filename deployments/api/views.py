from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from deployments import services
from deployments.api.filters import DeploymentFilter, RevisionFilter
from deployments.api.serializers import (
    DeploymentSerializer,
    DeploySerializer,
    RevisionSerializer,
    ServingPolicyChangeSerializer,
)
from deployments.choices import RevisionStatus
from deployments.models import Deployment, Revision
from hokusai.web.views import ReadViewSet
from registry.models import ModelVersion

KEPT = Prefetch(
    "revisions", Revision.objects.kept().select_related("version"), to_attr="kept_revisions"
)
ROWS = Revision.objects.select_related("deployment__model__project", "version", "job")

DEPLOY = OpenApiExample(
    "Deploy to production",
    value={
        "model_id": "digits.reader",
        "version": 3,
        "slug": "production",
        "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    },
    request_only=True,
)
POLICY_CHANGE = OpenApiExample(
    "Change how it serves",
    value={"idle_s": 0, "rate_per_minute": 6000, "log_sample": 0.1, "redacted_columns": ["name"]},
    request_only=True,
)


class DeploymentViewSet(ReadViewSet):
    """Places that serve: list, look at, deploy to, configure, roll back, stop."""

    queryset = Deployment.objects.select_related("model__project")
    serializer_class = DeploymentSerializer
    filterset_class = DeploymentFilter
    view_permission = "deployments.view_deployment"
    project_path = "model__project"
    model_path = "model__model_id"
    for_models = ("list", "retrieve")
    permissions = {
        "create": "deployments.deploy",
        "partial_update": "deployments.deploy",
        "rollback": "deployments.deploy",
        "stop": "deployments.deploy",
    }

    def get_queryset(self) -> QuerySet[Deployment]:
        """Deployments with their live and kept revisions, in two queries."""
        return super().get_queryset().prefetch_related(KEPT)

    @extend_schema(request=DeploySerializer, responses={202: RevisionSerializer}, examples=[DEPLOY])
    def create(self, request: Request) -> Response:
        """Deploy a version; the answer is the revision, whose rollout has begun."""
        form = DeploySerializer(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        version = self.find(
            ModelVersion.objects.with_names(),
            "registry.view_model",
            "model__project",
            model__model_id=given["model_id"],
            number=given["version"],
        )
        self.check_object_permissions(request, version)
        revision = services.deploy(
            version=version,
            actor=self.actor,
            slug=given["slug"],
            provider=given["provider"],
            environment=given["environment"],
            digest=given["digest"],
        )
        return self._shown(revision)

    @extend_schema(
        request=ServingPolicyChangeSerializer,
        responses=DeploymentSerializer,
        examples=[POLICY_CHANGE],
    )
    def partial_update(self, request: Request, public_id: str) -> Response:
        """Change how a deployment serves; in force at once."""
        form = ServingPolicyChangeSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        services.configure(
            deployment_id=self.get_object().pk, actor=self.actor, **form.validated_data
        )
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=None, responses={200: RevisionSerializer, 202: RevisionSerializer})
    @action(detail=True, methods=["post"])
    def rollback(self, request: Request, public_id: str) -> Response:
        """Serve what was live before: at once (200), or by a rollout where none is kept (202)."""
        deployment = self.get_object()
        return self._shown(services.roll_back(deployment_id=deployment.pk, actor=self.actor))

    @extend_schema(request=None, responses=DeploymentSerializer)
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, public_id: str) -> Response:
        """End serving."""
        services.stop_deployment(deployment_id=self.get_object().pk, actor=self.actor)
        return Response(self.get_serializer(self.get_object()).data)

    def _shown(self, revision: Revision) -> Response:
        """A revision; 202 where its rollout has begun."""
        row = ROWS.get(pk=revision.pk)
        is_live = row.status == RevisionStatus.LIVE
        return Response(
            RevisionSerializer(row, context=self.get_serializer_context()).data,
            status=status.HTTP_200_OK if is_live else status.HTTP_202_ACCEPTED,
        )


class RevisionViewSet(ReadViewSet):
    """What was served where, and when."""

    queryset = ROWS
    serializer_class = RevisionSerializer
    filterset_class = RevisionFilter
    view_permission = "deployments.view_deployment"
    project_path = "deployment__model__project"
    model_path = "deployment__model__model_id"
    for_models = ("list", "retrieve")

    def get_queryset(self) -> QuerySet[Revision]:
        """Revisions of one deployment where the path names one."""
        rows = super().get_queryset()
        deployment = self.kwargs.get("deployment_id")
        return rows.filter(deployment__public_id=deployment) if deployment else rows
