"""The V2 inference protocol for clients that speak it already: same rights, same log.

A model is named by its `model_id`, a version by its number; only what is deployed answers.
"""

import time
from typing import Any, Final

import orjson
from django.http import Http404, HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments import endpoints
from deployments.api.prediction_answers import OK, ROUTE, given_by, respond
from deployments.api.v2.rows import columns_of, json_body, stated_inputs, stated_outputs, tensors_of
from deployments.api.v2.tensors import Asked, Tensor, read_request
from deployments.endpoints import Target
from hokusai.accounts.choices import Scope
from hokusai.web import limits
from hokusai.web.hot import HotAnswer
from hokusai.web.permissions import Everybody, not_for_model
from hokusai.web.views import GuardedView, readable_projects
from registry.models import Model, ModelVersion

EXTENSIONS: Final = ["binary_tensor_data"]
HEADER_LENGTH: Final = "Inference-Header-Content-Length"
JSON: Final = "application/json"


class OpenView(APIView):
    """What anybody may ask of the server itself; it has a specification of its own."""

    schema: Any = None
    authentication_classes: Any = ()
    permission_classes: Any = (Everybody,)


class ServerView(OpenView):
    """GET /v2"""

    def get(self, request: Request) -> Response:
        """Tell name and extensions."""
        return Response({"name": "hokusai", "version": "1", "extensions": EXTENSIONS})


class AliveView(OpenView):
    """GET /v2/health/live and /v2/health/ready"""

    def get(self, request: Request) -> Response:
        """Tell that this process answers; each model tells of itself."""
        return Response({"live": True, "ready": True})


class ModelView(GuardedView):
    """What the views of one model share; errors are in the protocol's form."""

    schema: Any = None
    permissions = {"get": "registry.view_model", "post": "deployments.predict"}
    scopes = {"post": Scope.PREDICT}
    for_models = ("get", "post")

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """All checks; a prediction changes nothing, so that its repeats need no record."""
        APIView.initial(self, request, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Response:
        """The same status, the message under `error`."""
        response = super().handle_exception(exc)
        if isinstance(response.data, dict):
            response.data = {"error": str(response.data.get("message", ""))}
        return response

    def model(self, model_id: str) -> Model:
        """A model that whoever asks may see. Raises Http404, Forbidden."""
        visible = readable_projects(self.request, "registry.view_model")
        found = Model.objects.filter(model_id=model_id, project__in=visible).first()
        if found is None:
            raise Http404
        self.check_object_permissions(self.request, found)
        if self.key is not None and self.key.model_ids and model_id not in self.key.model_ids:
            raise not_for_model()
        return found

    def target(self, model_id: str, number: str | None) -> Target | None:
        """What answers for a model. Raises Http404 where another version was asked for."""
        found = endpoints.target_of_model(model_id)
        if number is not None and (found is None or found.version != int(number)):
            raise Http404
        return found


class MetadataView(ModelView):
    """GET /v2/models/{model_id}"""

    def get(self, request: Request, model_id: str, number: str | None = None) -> Response:
        """Tell what the deployed version takes and answers."""
        self.model(model_id)
        target = endpoints.require_live(self.target(model_id, number))
        signature = signature_of(target)
        return Response(
            {
                "name": model_id,
                "versions": [str(target.version)],
                "platform": "onnx" if target.converted_digest else "hokusai",
                "inputs": stated_inputs(signature),
                "outputs": stated_outputs(signature),
            }
        )


class ModelReadyView(ModelView):
    """GET /v2/models/{model_id}/ready"""

    def get(self, request: Request, model_id: str, number: str | None = None) -> Response:
        """Tell whether a version is deployed and answers."""
        self.model(model_id)
        target = endpoints.require_live(self.target(model_id, number))
        return Response({"name": model_id, "ready": True, "version": str(target.version)})


class InferView(ModelView):
    """POST /v2/models/{model_id}/infer"""

    def post(  # type: ignore[override]
        self, request: Request, model_id: str, number: str | None = None
    ) -> HttpResponse:
        """Predict with the version that is deployed."""
        began = time.perf_counter()
        self.model(model_id)
        target = self.target(model_id, number)
        if target is not None:
            limits.check_target_rate(target.deployment_id, target.policy.rate_per_minute)
        live = endpoints.require_live(target)
        asked = read_request(request.body, request.headers.get(HEADER_LENGTH, ""))
        given = given_by(
            {**request.META, "CONTENT_TYPE": JSON},
            body=json_body(asked, columns_of(signature_of(live))),
            request_id=str(getattr(request, "request_id", "")),
            principal=limits.principal_of(request),
            route=ROUTE.format(request.path),
            began=began,
        )
        answer = respond(target, given, lambda: endpoints.target_of_model(model_id))
        return _answered(asked, answer)


def signature_of(target: Target) -> dict[str, Any]:
    """What a version's files say of its inputs and outputs."""
    rows = ModelVersion.objects.filter(model__model_id=target.model_id, number=target.version)
    return rows.values_list("signature", flat=True).first() or {}


def _answered(asked: Asked, answer: HotAnswer) -> HttpResponse:
    said = orjson.loads(answer.body)
    if answer.status != OK:
        return _response(orjson.dumps({"error": said["message"]}), answer)
    stated = {
        "id": asked.request_id or said["request_id"],
        "model_name": said["model_id"],
        "model_version": str(said["version"]),
        "parameters": {name: said[name] for name in ("digest", "revision", "request_id")},
    }
    tensors = tensors_of(said["outputs"], asked.wanted)
    binary = {one.name for one in tensors if asked.binary is None or one.name in asked.binary}
    raws: list[bytes] = []
    outputs = [_output(one, raws if one.name in binary else None) for one in tensors]
    text = orjson.dumps(stated | {"outputs": outputs})
    response = _response(b"".join((text, *raws)), answer)
    if binary:
        response.headers["Content-Type"] = "application/octet-stream"
        response.headers[HEADER_LENGTH] = str(len(text))
    return response


def _output(tensor: Tensor, raws: list[bytes] | None) -> dict[str, Any]:
    """An output in JSON; with `raws`, its values go there."""
    if raws is None:
        return tensor.as_json()
    head, raw = tensor.as_bytes()
    raws.append(raw)
    return head


def _response(body: bytes, answer: HotAnswer) -> HttpResponse:
    return HttpResponse(
        body, status=answer.status, headers={"Content-Type": JSON, **answer.headers}
    )
