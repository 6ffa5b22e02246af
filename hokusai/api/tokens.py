"""Short-lived tokens for people who log in with a name and a password."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from hokusai.web import limits
from hokusai.web.permissions import Everybody
from hokusai.web.schema import ApiSchema

_PAIR = inline_serializer(
    "TokenPair", {"access": serializers.CharField(), "refresh": serializers.CharField()}
)
_ACCESS = inline_serializer("AccessToken", {"access": serializers.CharField()})


class TokenView(TokenObtainPairView):
    """Name and password for a pair of tokens; few tries per minute and address."""

    schema = ApiSchema()
    permission_classes: Any = (Everybody,)

    @extend_schema(responses=_PAIR)
    def post(self, request: Request) -> Response:
        """Log in with a name and a password for a pair of tokens."""
        rate = settings.RATE_LIMIT_LOGIN
        limits.check_rate(request, group="login", rate=rate)
        return super().post(request)


class RefreshView(TokenRefreshView):
    """A refresh token for a new access token."""

    schema = ApiSchema()
    permission_classes: Any = (Everybody,)

    @extend_schema(responses=_ACCESS)
    def post(self, request: Request) -> Response:
        """Exchange a refresh token for a new access token."""
        limits.check_rate(request)
        return super().post(request)
