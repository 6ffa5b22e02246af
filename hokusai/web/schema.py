"""How the API's description is made from views: summaries, errors and keys without repetition."""

import re
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from hokusai.web.idempotency import HEADER
from hokusai.web.permissions import Everybody
from hokusai.web.serializers import ErrorSerializer, ReadSerializer

_ON_EVERY_REQUEST = ("400", "429")
_WHEN_CLOSED = ("401", "403")


class ApiSchema(AutoSchema):
    """A summary from the first line of the docstring, the errors that every endpoint may answer."""

    def get_summary(self) -> str | None:
        """What the endpoint does, in one line."""
        action = getattr(self.view, "action", None)
        name = self._name(plural=action == "list")
        if action == "list":
            return f"List {name}"
        if action == "retrieve":
            return f"Show one {name}"
        return self.get_description().partition("\n")[0].rstrip(".") or None

    def get_override_parameters(self) -> list[Any]:
        """`Idempotency-Key` on what changes something, `fields` on what answers rows."""
        if self.method == "POST":
            text = "Repeats with the same key and body change nothing; kept for 24 hours."
            return [OpenApiParameter(HEADER, str, OpenApiParameter.HEADER, description=text)]
        if self.method == "GET" and isinstance(self.get_response_serializers(), ReadSerializer):
            text = "Names of fields to answer, separated by commas."
            return [OpenApiParameter("fields", str, description=text)]
        return []

    def _name(self, *, plural: bool) -> str:
        queryset = getattr(self.view, "queryset", None)
        if queryset is None:
            return ""
        words = re.findall(r"[A-Z][a-z]+", queryset.model.__name__)
        return " ".join(words).lower() + ("s" if plural else "")

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for code in self._error_codes():
            if code not in bodies:
                bodies[code] = self._get_response_for_code(ErrorSerializer, code)
        return bodies

    def _error_codes(self) -> list[str]:
        codes = list(_ON_EVERY_REQUEST)
        if Everybody not in self.view.permission_classes:
            codes += _WHEN_CLOSED
        if "{" in self.path or self.method != "GET":
            codes.append("404")
        if self.method != "GET":
            codes.append("409")
        return codes


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """The API's description of API keys."""

    target_class = "hokusai.web.authentication.ApiKeyAuthentication"
    name = "ApiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        """A header; `Authorization: Bearer hok_…` is taken as well."""
        return {"type": "apiKey", "in": "header", "name": "X-API-Key"}
