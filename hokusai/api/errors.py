"""The one table from errors to HTTP, and the one body that all of them have."""

import math
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.response import Response

from hokusai.core.errors import (
    Conflict,
    DomainError,
    Forbidden,
    InvalidInput,
    NotFound,
    OutsideError,
    OutsideTimeout,
    OutsideUnavailable,
)
from hokusai.web.problems import (
    BodyTooLarge,
    KeyReused,
    TooManyRequests,
    UnsupportedBody,
    problem,
    problem_response,
)

STATUS_BY_ERROR: dict[type[DomainError], int] = {
    DomainError: 400,
    InvalidInput: 400,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    BodyTooLarge: 413,
    UnsupportedBody: 415,
    KeyReused: 422,
    TooManyRequests: 429,
    OutsideError: 502,
    OutsideUnavailable: 503,
    OutsideTimeout: 504,
}
RETRY_AFTER_S = 5
ABSENT = "There is no such thing, or it is not yours to see."


def status_of(error: DomainError) -> int:
    """The HTTP status of the error's nearest class in the table."""
    return next(STATUS_BY_ERROR[kind] for kind in type(error).__mro__ if kind in STATUS_BY_ERROR)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """An answer in the one body; None for what is a fault of ours."""
    if isinstance(error, DomainError):
        return _of_domain(error)
    if isinstance(error, Http404 | exceptions.NotFound):
        return Response(problem("not_found", ABSENT), status=404)
    if isinstance(error, RequestDataTooBig):
        return _of_domain(BodyTooLarge("The body is too large."))
    if isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, exceptions.APIException):
        return _of_framework(error)
    return None


def _of_domain(error: DomainError) -> Response:
    if isinstance(error, NotFound):
        return Response(problem(error.code, str(error)), status=404)
    answer = Response(problem(error.code, str(error), error.context), status=status_of(error))
    wait_s = error.context.get("retry_after_s")
    if wait_s is not None or answer.status_code in (429, 503):
        answer["Retry-After"] = str(max(1, math.ceil(wait_s or RETRY_AFTER_S)))
    return answer


def _of_framework(error: exceptions.APIException) -> Response:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if isinstance(error, exceptions.ValidationError):
        body = problem("invalid_input", _first(error.detail), {"fields": error.detail})
    else:
        body = problem(_code_of(error), _first(error.detail))
    return Response(body, status=error.status_code, headers=headers)


def _code_of(error: exceptions.APIException) -> str:
    return (
        "forbidden"
        if error.status_code == exceptions.PermissionDenied.status_code
        else str(error.default_code)
    )


def _first(detail: Any, path: str = "") -> str:
    """The first message of a nested one, with the name of its field."""
    if isinstance(detail, dict):
        name, inner = next(iter(detail.items()), ("", ""))
        shown = "" if name in ("non_field_errors", "detail") else str(name)
        return _first(inner, shown or path)
    if isinstance(detail, list):
        return _first(next(iter(detail), ""), path)
    return f"{path}: {detail}" if path else str(detail)


@csrf_exempt
def absent(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    """The answer to a path that no route knows."""
    return problem_response(404, "not_found", ABSENT)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The answer to a request that Django refuses to read: too many fields, a broken form."""
    if not request.path.startswith("/api/"):
        return defaults.bad_request(request, exception)
    return problem_response(400, "invalid_input", "This request cannot be read.")


def server_error(request: HttpRequest) -> HttpResponse:
    """The answer to a fault of ours; what happened is in the log, under the request's id."""
    if not request.path.startswith("/api/"):
        return defaults.server_error(request)
    return problem_response(500, "internal_error", "Something went wrong here; it is recorded.")
