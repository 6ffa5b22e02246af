import time
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from deployments import endpoints, predictions
from deployments.api.hot import with_retirement
from deployments.api.prediction_serializers import PredictionSerializer, PredictSerializer
from deployments.endpoints import Target
from deployments.models import Deployment
from hokusai.accounts.choices import Scope
from hokusai.core.errors import DomainError
from hokusai.web.hot import answered, error_response, not_found
from hokusai.web.parsers import OrjsonParser
from hokusai.web.views import GuardedView, readable_projects
from registry.models import Model


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
