"""Where the authentication service says that an answer of its own holds no more."""

import time
from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from hokusai.api.hooks import RawParser
from hokusai.web.external.pushes import verify
from hokusai.web.external.shared import raise_epoch
from hokusai.web.permissions import Everybody
from hokusai.web.views import GuardedView

REVOKED = OpenApiExample("A token was revoked", {"type": "token.revoked"}, request_only=True)


class AuthHookView(GuardedView):
    """Standard Webhooks; whatever a message says, everybody is asked about anew."""

    authentication_classes: Any = ()
    permission_classes: Any = (Everybody,)
    parser_classes = (RawParser,)
    rate_group = "hooks"

    @extend_schema(
        request=inline_serializer("AuthMessage", {"type": serializers.CharField(required=False)}),
        parameters=[
            OpenApiParameter(name, str, OpenApiParameter.HEADER, required=True, description=text)
            for name, text in (
                ("webhook-id", "the message's id"),
                ("webhook-timestamp", "Unix time in seconds, at most five minutes off"),
                ("webhook-signature", "v1,<base64 of the HMAC-SHA256>"),
            )
        ],
        responses={
            202: inline_serializer("AuthMessageTaken", {"accepted": serializers.BooleanField()})
        },
        examples=[REVOKED],
    )
    def post(self, request: Request) -> Response:
        """Take a message: no answer of the service that came before it holds any more."""
        secrets = [secret for secret in settings.AUTH_SERVICE_HOOK_SECRETS if secret]
        if not secrets or not settings.AUTH_SERVICE_URL:
            raise NotFound
        body = request.data if isinstance(request.data, bytes) else b""
        verify(secrets, request.headers, body, time.time())
        raise_epoch()
        return Response({"accepted": True}, status=202)
