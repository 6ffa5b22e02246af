from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.utils.crypto import constant_time_compare
from django_prometheus.exports import ExportToDjangoView
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from hokusai.web.schema import ApiSchema

SCRAPER = "metrics-token"


class MetricsTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer` with METRICS_TOKEN; where the setting is empty, nobody has it."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, str] | None:
        """The scraper, who is nobody; None for any other token."""
        expected = settings.METRICS_TOKEN
        scheme, _, offered = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not expected:
            return None
        if not constant_time_compare(offered.strip(), expected):
            return None
        return AnonymousUser(), SCRAPER

    def authenticate_header(self, request: Request) -> str:
        """What a 401 answers in `WWW-Authenticate`."""
        return 'Bearer realm="hokusai metrics"'


class MayScrape(BasePermission):
    """The scraper, and staff."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.auth == SCRAPER or bool(request.user.is_staff)


class MetricsView(APIView):
    """What this process counted, for Prometheus."""

    schema = ApiSchema()
    authentication_classes: Any = (MetricsTokenAuthentication, SessionAuthentication)
    permission_classes: Any = (MayScrape,)

    @extend_schema(responses={(200, "text/plain"): OpenApiResponse(OpenApiTypes.STR)})
    def get(self, request: Request) -> HttpResponse:
        """Answer metrics in Prometheus's text format."""
        return ExportToDjangoView(request._request)  # noqa: SLF001


class MetricsTokenScheme(OpenApiAuthenticationExtension):
    """The API's description of the scraper's token."""

    target_class = "hokusai.api.metrics.MetricsTokenAuthentication"
    name = "MetricsToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """A bearer token."""
        return {"type": "http", "scheme": "bearer"}
