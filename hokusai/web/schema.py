"""How the API's description is made from views: summaries, errors and keys without repetition."""

import re
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from hokusai.web.idempotency import HEADER
from hokusai.web.permissions import Everybody
from hokusai.web.serializers import ErrorSerializer, ReadSerializer

# What can be answered instead of what was asked for, and when; views state none of it.
_ANYWHERE = {
    "400": "Something in the request is wrong; `context` names it.",
    "401": "The credentials are missing, unknown, expired or revoked.",
    "406": "Only `application/json` is answered here, or what else the endpoint states.",
    "429": "Too many requests; `Retry-After` says how long to wait.",
    "503": "A part that the answer needs does not answer now; try again after `Retry-After`.",
}
_WHERE_CLOSED = {"403": "The role or the key may not do this."}
_OF_ROWS_AND_CHANGES = {
    "404": "There is no such thing, or it is not yours to see.",
    "409": "The state of things forbids it; `code` and `context` say which.",
    "502": "A part that the answer needs refuses, or holds something that is damaged.",
}
_OF_CHANGES = {
    "413": "The body is too large.",
    "415": "The endpoint takes no body of this content type.",
}
_OF_POSTS = {"422": "The idempotency key was used with another body."}
_WAITING = OpenApiParameter(
    "Retry-After", int, OpenApiParameter.HEADER, description="Seconds.", response=["429", "503"]
)
_SAFE = ("GET", "HEAD", "OPTIONS")


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
        given = [_WAITING]
        if self.method == "POST":
            text = "Repeats with the same key and body change nothing; kept for 24 hours."
            given.append(OpenApiParameter(HEADER, str, OpenApiParameter.HEADER, description=text))
        if self.method == "GET" and isinstance(self.get_response_serializers(), ReadSerializer):
            text = "Names of fields to answer, separated by commas."
            given.append(OpenApiParameter("fields", str, description=text))
        return given

    def _name(self, *, plural: bool) -> str:
        queryset = getattr(self.view, "queryset", None)
        if queryset is None:
            return ""
        words = re.findall(r"[A-Z][a-z]+", queryset.model.__name__)
        return " ".join(words).lower() + ("s" if plural else "")

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for code, text in self._errors().items():
            if code not in bodies:
                answer = OpenApiResponse(ErrorSerializer, text)
                bodies[code] = self._get_response_for_code(answer, code)
        return bodies

    def _errors(self) -> dict[str, str]:
        changes = self.method not in _SAFE
        errors = dict(_ANYWHERE)
        if Everybody not in self.view.permission_classes:
            errors |= _WHERE_CLOSED
        if "{" in self.path or changes:
            errors |= _OF_ROWS_AND_CHANGES
        if changes:
            errors |= _OF_CHANGES
        if self.method == "POST":
            errors |= _OF_POSTS
        return dict(sorted(errors.items()))


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """The API's description of API keys."""

    target_class = "hokusai.web.authentication.ApiKeyAuthentication"
    name = "ApiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        """A header; `Authorization: Bearer hok_…` is taken as well."""
        return {"type": "apiKey", "in": "header", "name": "X-API-Key"}


class ExternalScheme(OpenApiAuthenticationExtension):
    """The API's description of another service's tokens."""

    target_class = "hokusai.web.authentication.ExternalAuthentication"
    name = "ExternalToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        """A bearer token, where the platform was given a service that knows it."""
        return {"type": "http", "scheme": "bearer"}
