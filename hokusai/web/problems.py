"""The one body of every error: `{code, message, context, request_id}`."""

from collections.abc import Mapping
from typing import Any

import orjson
from django.http import HttpResponse

from hokusai.core.errors import Conflict, DomainError, InvalidInput
from hokusai.core.events import current_request_id


class TooManyRequests(DomainError):
    """The limit of requests was reached; `retry_after_s` says for how long."""

    code = "too_many_requests"


class BodyTooLarge(InvalidInput):
    """The request's body is longer than the endpoint takes."""

    code = "body_too_large"


class UnsupportedBody(InvalidInput):
    """The endpoint takes no body of this content type."""

    code = "unsupported_media_type"


class KeyReused(InvalidInput):
    """An idempotency key came back with another body."""

    code = "idempotency_key_reused"


class InFlight(Conflict):
    """A request with the same idempotency key has not been answered yet."""

    code = "idempotency_in_flight"


def problem(code: str, message: str, context: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The body of an error."""
    return {
        "code": code,
        "message": message,
        "context": dict(context or {}),
        "request_id": current_request_id(),
    }


def problem_response(
    status: int, code: str, message: str, context: Mapping[str, Any] | None = None
) -> HttpResponse:
    """An error as an answer of Django's, for code outside the REST framework."""
    content = orjson.dumps(problem(code, message, context), default=str)
    return HttpResponse(content, status=status, content_type="application/json")
