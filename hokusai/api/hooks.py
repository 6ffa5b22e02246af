"""Where outside systems say that something changed; each says it with a signature."""

import time
from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from hokusai.tracking.webhooks import WebhookRefused, verify
from hokusai.web.permissions import Everybody
from hokusai.web.views import GuardedView
from registry import services

MAX_BYTES = 64 * 1024
DELIVERY = OpenApiExample(
    "A new version",
    {
        "entity": "model_version",
        "action": "created",
        "timestamp": "2026-11-20T08:37:25.894733+00:00",
        "data": {"name": "fraud", "version": "1", "source": "s3://b/p", "run_id": None},
    },
    request_only=True,
)


class RawParser(BaseParser):
    """The body as it came: the signature is over its bytes."""

    media_type = "application/json"

    def parse(  # type: ignore[override]
        self, stream: Any, media_type: Any = None, parser_context: Any = None
    ) -> bytes:
        """The bytes; of a body that is too long, too many to be signed by anybody."""
        content: bytes = stream.read(MAX_BYTES + 1)
        return content


class MlflowHookView(GuardedView):
    """Deliveries of MLflow's webhooks: hints that something is to be fetched again."""

    authentication_classes: Any = ()
    permission_classes: Any = (Everybody,)
    parser_classes = (RawParser,)
    rate_group = "hooks"

    @extend_schema(
        request=inline_serializer(
            "MlflowDelivery",
            {
                "entity": serializers.CharField(),
                "action": serializers.CharField(),
                "timestamp": serializers.CharField(),
                "data": serializers.DictField(),
            },
        ),
        parameters=[
            OpenApiParameter(name, str, OpenApiParameter.HEADER, required=True, description=text)
            for name, text in (
                ("X-MLflow-Delivery-Id", "counts once"),
                ("X-MLflow-Timestamp", "Unix time in seconds, at most five minutes off"),
                ("X-MLflow-Signature", "v1,<base64 of the HMAC-SHA256>"),
            )
        ],
        responses={
            202: inline_serializer("MlflowHint", {"accepted": serializers.BooleanField()}),
            403: None,
        },
        examples=[DELIVERY],
    )
    def post(self, request: Request) -> Response:
        """Take a delivery of MLflow's; what it names is fetched again soon."""
        secrets = [secret for secret in settings.MLFLOW_WEBHOOK_SECRETS if secret]
        if not secrets:
            raise NotFound
        body = request.data if isinstance(request.data, bytes) else b""
        try:
            delivery = verify(secrets, request.headers, body, time.time())
        except WebhookRefused as error:
            raise PermissionDenied(str(error)) from error
        return Response({"accepted": services.take_hint(delivery=delivery)}, status=202)
