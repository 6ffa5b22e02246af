import time
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments import endpoints, predictions, services
from deployments.api.filters import DeploymentFilter, RevisionFilter
from deployments.api.hot import with_retirement
from deployments.api.serializers import (
    DeploymentSerializer,
    DeploySerializer,
    PredictionSerializer,
    PredictSerializer,
    RevisionSerializer,
)
from deployments.endpoints import Target
from deployments.models import Deployment, Revision
from hokusai.accounts.choices import Scope
from hokusai.core.errors import DomainError
from hokusai.web.hot import answered, error_response, not_found
from hokusai.web.parsers import OrjsonParser
from hokusai.web.views import GuardedView, ReadViewSet, readable_projects
from registry.models import Model, ModelVersion

LIVE = Prefetch(
    "revisions", Revision.objects.live().select_related("version"), to_attr="live_revisions"
)
ROWS = Revision.objects.select_related("deployment__model__project", "version", "job")


class PredictView(GuardedView):
    """Answers as the fast way does; for people, and for whatever the fast way passes on."""

    parser_classes = (OrjsonParser,)
    permissions = {"post": "deployments.predict"}
    scopes = {"post": Scope.PREDICT}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """All checks; a prediction changes nothing, so that its repeats need no record."""
        APIView.initial(self, request, *args, **kwargs)

    def answer(self, request: Request, target: Target | None, reload: Any) -> HttpResponse:
        """One prediction, or the error body."""
        began = time.perf_counter()
        request_id = str(getattr(request, "request_id", ""))
        try:
            given = predictions.answer(
                target, request.body, reload=reload, request_id=request_id, began=began
            )
        except DomainError as error:
            return error_response(error, request, request_id)
        return answered(with_retirement(given), request_id)


class ModelPredictView(PredictView):
    """POST /api/v1/models/{model_id}/predict"""

    @extend_schema(
        operation_id="models_predict", request=PredictSerializer, responses=PredictionSerializer
    )
    def post(  # type: ignore[override]
        self, request: Request, model_id: str
    ) -> HttpResponse:
        """Predict with the version that is deployed."""
        visible = readable_projects(request, "registry.view_model")
        model = Model.objects.filter(model_id=model_id, project__in=visible).first()
        if model is None:
            raise not_found()
        self.check_object_permissions(request, model)
        target = endpoints.target_of_model(model_id)
        return self.answer(request, target, lambda: endpoints.target_of_model(model_id))


class DeploymentPredictView(PredictView):
    """POST /api/v1/deployments/{id}/predict"""

    @extend_schema(
        operation_id="deployments_predict",
        request=PredictSerializer,
        responses=PredictionSerializer,
    )
    def post(  # type: ignore[override]
        self, request: Request, public_id: str
    ) -> HttpResponse:
        """Predict with one deployment's live revision."""
        visible = readable_projects(request, "deployments.view_deployment")
        deployment = Deployment.objects.filter(
            public_id=public_id, model__project__in=visible
        ).first()
        if deployment is None:
            raise not_found()
        self.check_object_permissions(request, deployment)
        target = endpoints.target_of_deployment(public_id)
        return self.answer(request, target, lambda: endpoints.target_of_deployment(public_id))


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
