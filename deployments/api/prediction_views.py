import time
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from deployments import endpoints
from deployments.api.prediction_answers import ROUTE, given_by, respond
from deployments.api.prediction_schema import PREDICTION
from deployments.endpoints import Target
from deployments.models import Deployment
from hokusai.accounts.choices import Scope
from hokusai.core.errors import DomainError
from hokusai.web import limits
from hokusai.web.hot import answered, error_response, not_found
from hokusai.web.parsers import OrjsonParser
from hokusai.web.permissions import not_for_model
from hokusai.web.views import GuardedView, readable_projects
from registry.models import Model


class PredictView(GuardedView):
    """Answers as the fast way does; for people, and for whatever the fast way passes on."""

    parser_classes = (OrjsonParser,)
    permissions = {"post": "deployments.predict"}
    scopes = {"post": Scope.PREDICT}
    for_models = ("post",)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """All checks; a prediction changes nothing, so that its repeats need no record."""
        APIView.initial(self, request, *args, **kwargs)

    def answer(self, request: Request, name: str, find: Any) -> HttpResponse:
        """One prediction of what `find` finds under a name, or the error body."""
        began = time.perf_counter()
        request_id = str(getattr(request, "request_id", ""))
        target: Target | None = find(name)
        given = given_by(
            request.META,
            body=request.body,
            request_id=request_id,
            principal=limits.principal_of(request),
            route=ROUTE.format(name),
            began=began,
        )
        try:
            if target is not None:
                limits.check_target_rate(target.deployment_id, target.policy.rate_per_minute)
            return answered(respond(target, given, lambda: find(name)), request_id)
        except DomainError as error:
            return error_response(error, request, request_id)

    def check_model(self, model_id: str) -> None:
        """Raises Forbidden for a key that is limited to other models."""
        if self.key is not None and self.key.model_ids and model_id not in self.key.model_ids:
            raise not_for_model()


class ModelPredictView(PredictView):
    """POST /api/v1/models/{model_id}/predict"""

    @extend_schema(operation_id="models_predict", **PREDICTION)
    def post(  # type: ignore[override]
        self, request: Request, model_id: str
    ) -> HttpResponse:
        """Predict with the version that is deployed."""
        visible = readable_projects(request, "registry.view_model")
        model = Model.objects.filter(model_id=model_id, project__in=visible).first()
        if model is None:
            raise not_found()
        self.check_object_permissions(request, model)
        self.check_model(model_id)
        return self.answer(request, model_id, endpoints.target_of_model)


class DeploymentPredictView(PredictView):
    """POST /api/v1/deployments/{id}/predict"""

    @extend_schema(operation_id="deployments_predict", **PREDICTION)
    def post(  # type: ignore[override]
        self, request: Request, public_id: str
    ) -> HttpResponse:
        """Predict with one deployment's live revision."""
        visible = readable_projects(request, "deployments.view_deployment")
        rows = Deployment.objects.filter(model__project__in=visible)
        deployment = rows.select_related("model").filter(public_id=public_id).first()
        if deployment is None:
            raise not_found()
        self.check_object_permissions(request, deployment)
        self.check_model(deployment.model.model_id)
        return self.answer(request, public_id, endpoints.target_of_deployment)
