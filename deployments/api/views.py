from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema
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
)
from deployments.models import Deployment, Revision
from hokusai.web.views import ReadViewSet
from registry.models import ModelVersion

LIVE = Prefetch(
    "revisions", Revision.objects.live().select_related("version"), to_attr="live_revisions"
)
ROWS = Revision.objects.select_related("deployment__model__project", "version", "job")


class DeploymentViewSet(ReadViewSet):
    """Places that serve: list, look at, deploy to, roll back, stop."""

    queryset = Deployment.objects.select_related("model__project")
    serializer_class = DeploymentSerializer
    filterset_class = DeploymentFilter
    view_permission = "deployments.view_deployment"
    project_path = "model__project"
    permissions = {
        "create": "deployments.deploy",
        "rollback": "deployments.deploy",
        "stop": "deployments.deploy",
    }

    def get_queryset(self) -> QuerySet[Deployment]:
        """Deployments with their live revisions, in two queries."""
        return super().get_queryset().prefetch_related(LIVE)

    @extend_schema(request=DeploySerializer, responses={202: RevisionSerializer})
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
            version=version, actor=self.actor, slug=given["slug"], provider=given["provider"]
        )
        return self._accepted(revision)

    @extend_schema(request=None, responses={202: RevisionSerializer})
    @action(detail=True, methods=["post"])
    def rollback(self, request: Request, public_id: str) -> Response:
        """Serve the version before; the answer is the new revision."""
        deployment = self.get_object()
        return self._accepted(services.roll_back(deployment_id=deployment.pk, actor=self.actor))

    @extend_schema(request=None, responses=DeploymentSerializer)
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, public_id: str) -> Response:
        """End serving."""
        services.stop_deployment(deployment_id=self.get_object().pk, actor=self.actor)
        return Response(self.get_serializer(self.get_object()).data)

    def _accepted(self, revision: Revision) -> Response:
        row = ROWS.get(pk=revision.pk)
        context = self.get_serializer_context()
        return Response(
            RevisionSerializer(row, context=context).data, status=status.HTTP_202_ACCEPTED
        )


class RevisionViewSet(ReadViewSet):
    """What was served where, and when."""

    queryset = ROWS
    serializer_class = RevisionSerializer
    filterset_class = RevisionFilter
    view_permission = "deployments.view_deployment"
    project_path = "deployment__model__project"

    def get_queryset(self) -> QuerySet[Revision]:
        """Revisions of one deployment where the path names one."""
        rows = super().get_queryset()
        deployment = self.kwargs.get("deployment_id")
        return rows.filter(deployment__public_id=deployment) if deployment else rows
