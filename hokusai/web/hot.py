"""The fast way through: hot routes called with an API key, answered before any other middleware.

Whatever is unusual (a session, another origin, an unknown key) goes the ordinary way to the view
at the same address, which calls the same function and so answers with the same body.
"""

import random
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import orjson
import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import Histogram
from rest_framework.settings import api_settings

from hokusai.core.errors import DomainError, Forbidden, NotFound
from hokusai.core.providers import load_hooks
from hokusai.web.authentication import secret_in
from hokusai.web.callers import Caller, Counted
from hokusai.web.counters import wait_s
from hokusai.web.external.admission import STALE_HEADER, STALE_VALUE, admit
from hokusai.web.external.directory import directory
from hokusai.web.external.tokens import token_of
from hokusai.web.gate import Admission, Gate
from hokusai.web.limits import too_many_of_target
from hokusai.web.permissions import not_for_model
from hokusai.web.problems import TooManyRequests
from hokusai.web.request_ids import sound_id

log = structlog.get_logger(__name__)
PREFIX = "/api/v1/"
SERVER_ERROR = 500
SECONDS = Histogram(
    "hokusai_hot_seconds",
    "Time of requests answered the fast way",
    ["route", "status"],
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0),
)


@dataclass(frozen=True, slots=True)
class HotCall:
    """One request on its way to a hot route.

    `address` is its URL without the query, for routes that take one; `began`: `perf_counter()`;
    `meta`: the request's META, where its headers are.
    """

    path: tuple[str, ...]
    body: bytes
    caller: Caller
    epoch: bytes | None
    request_id: str
    began: float
    query: str = ""
    address: str = ""
    meta: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HotAnswer:
    """A body with what goes beside it."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


class PassOn(Exception):
    """A route leaves this request to the ordinary view at the same address."""


class HotRoute(ABC):
    """A route that plain functions answer; the setting HOT_ROUTES names the classes."""

    name: ClassVar[str]
    method: ClassVar[str]
    # Under PREFIX; its groups become the call's path.
    pattern: ClassVar[re.Pattern[str]]
    scope: ClassVar[str]
    # Whether it reads a query; else a request that has one goes the ordinary way.
    takes_query: ClassVar[bool] = False
    # Whether the path's first part is a model's id. A caller that is limited to models is sent the
    # ordinary way by routes that name none.
    names_model: ClassVar[bool] = False

    def watched(self, path: tuple[str, ...]) -> str:
        """The epoch in Redis that outdates what this route keeps in memory; empty for none."""
        return ""

    def counted(self, path: tuple[str, ...]) -> Counted | None:
        """The limit that everybody who asks the same shares; None for none."""
        return None

    @abstractmethod
    def answer(self, call: HotCall) -> bytes | HotAnswer:
        """The body of a 200, or more than a body. Raises DomainError, PassOn."""


class HotPathMiddleware:
    """Answers hot routes at once and passes everything else on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.gate = Gate()
        self.routes: list[HotRoute] = load_hooks("HOT_ROUTES")
        self.secure_only = bool(getattr(settings, "SECURE_SSL_REDIRECT", False))
        self.sample: float = getattr(settings, "HOT_LOG_SAMPLE", 0.01)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if path.startswith(PREFIX):
            began = time.perf_counter()
            answer = self._answer(request, path[len(PREFIX) :], began)
            if answer is not None:
                return answer
        return self.get_response(request)

    def _answer(self, request: HttpRequest, rest: str, began: float) -> HttpResponse | None:
        route, groups = self._match(request.method or "", rest)
        if route is None or self._unusual(request, route):
            return None
        counted = route.counted(groups)
        try:
            admission, stale = self._admit(request, route, groups, counted)
            if admission is None or (admission.caller.model_ids and not route.names_model):
                return None
            call = _call(request, route, groups, admission, began)
            response = self._respond(request, route, admission, call, counted)
        except PassOn:
            return None
        except DomainError as error:
            request_id = sound_id(request.META.get("HTTP_X_REQUEST_ID", ""))
            return error_response(error, request, request_id)
        if stale:
            response.headers[STALE_HEADER] = STALE_VALUE
        self._observe(route, response, call)
        return response

    def _admit(
        self, request: HttpRequest, route: HotRoute, path: tuple[str, ...], counted: Counted | None
    ) -> tuple[Admission | None, bool]:
        """Who calls, and whether only the authentication service's silence lets them in.

        Nobody for what the ordinary way is to answer, as what writes with another service's token.
        Raises IdentityUnknown, TooManyRequests.
        """
        meta = request.META
        if secret := secret_in(meta):
            return self.gate.admit(secret, route.watched(path), counted), False
        kept = directory() if "HTTP_AUTHORIZATION" in meta and route.scope != "write" else None
        token = token_of({"Authorization": meta["HTTP_AUTHORIZATION"]}) if kept else ""
        if kept is None or not token:
            return None, False
        admitted = admit(
            self.gate,
            kept,
            token,
            address=str(meta.get("REMOTE_ADDR", "")),
            watched=route.watched(path),
            counted=counted,
        )
        return admitted or (None, False)

    def _match(self, method: str, rest: str) -> tuple[HotRoute | None, tuple[str, ...]]:
        for route in self.routes:
            if route.method == method:
                found = route.pattern.fullmatch(rest)
                if found:
                    return route, found.groups()
        return None, ()

    def _unusual(self, request: HttpRequest, route: HotRoute) -> bool:
        meta = request.META
        if "HTTP_ORIGIN" in meta or (meta.get("QUERY_STRING") and not route.takes_query):
            return True
        if route.scope == "write" and not _plain_json(meta):
            return True
        if self.secure_only and not request.is_secure():
            return True
        if meta.get("HTTP_TRANSFER_ENCODING"):
            return True
        length = meta.get("CONTENT_LENGTH") or "0"
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        return not length.isdigit() or (limit is not None and int(length) > limit)

    def _respond(
        self,
        request: HttpRequest,
        route: HotRoute,
        admission: Admission,
        call: HotCall,
        counted: Counted | None,
    ) -> HttpResponse:
        try:
            _check(route, admission, call)
            if counted and admission.target_count > counted.per_minute:
                raise too_many_of_target(counted.per_minute)
            given = route.answer(call)
        except DomainError as error:
            return error_response(error, request, call.request_id)
        return answered(given, call.request_id)

    def _observe(self, route: HotRoute, response: HttpResponse, call: HotCall) -> None:
        seconds = time.perf_counter() - call.began
        SECONDS.labels(route.name, response.status_code).observe(seconds)
        if response.status_code >= SERVER_ERROR or random.random() < self.sample:  # noqa: S311
            log.info(
                "hot_request",
                route=route.name,
                status=response.status_code,
                key=call.caller.key_id,
                request_id=call.request_id,
                ms=round(seconds * 1e3, 3),
                sample=self.sample,
            )


def _check(route: HotRoute, admission: Admission, call: HotCall) -> None:
    """Raises TooManyRequests, Forbidden; NotFound for a model that the caller may not read."""
    caller = admission.caller
    if admission.over_limit:
        raise _too_many()
    if not caller.may(route.scope):
        raise Forbidden(f"This key lacks the scope {route.scope}.", scope=route.scope)
    if route.names_model and not caller.may_use(call.path[0]):
        raise not_for_model() if route.scope == "predict" else not_found()


def _call(
    request: HttpRequest,
    route: HotRoute,
    path: tuple[str, ...],
    admission: Admission,
    began: float,
) -> HotCall:
    return HotCall(
        path,
        request.body,
        admission.caller,
        admission.epoch,
        sound_id(request.META.get("HTTP_X_REQUEST_ID", "")),
        began,
        request.META.get("QUERY_STRING", "") if route.takes_query else "",
        request.build_absolute_uri(request.path) if route.takes_query else "",
        request.META,
    )


def error_response(error: DomainError, request: Any, request_id: str) -> HttpResponse:
    """The error body and status that ordinary views give, from the same table."""
    handler: Any = api_settings.EXCEPTION_HANDLER
    answer = handler(error, {"request": request, "request_id": request_id})
    body = {**answer.data, "request_id": request_id}
    response = json_response(orjson.dumps(body), answer.status_code, request_id)
    if answer.has_header("Retry-After"):
        response.headers["Retry-After"] = answer["Retry-After"]
    return response


def answered(given: bytes | HotAnswer, request_id: str) -> HttpResponse:
    """What a route, or the view at its address, gave, as a response."""
    if isinstance(given, bytes):
        return json_response(given, 200, request_id)
    response = json_response(given.body, given.status, request_id)
    for name, value in given.headers.items():
        response.headers[name] = value
    return response


def not_found() -> NotFound:
    """Absent, or of another project: nobody can tell."""
    return NotFound("There is no such thing, or it is not yours to see.")


def json_response(body: bytes, status: int, request_id: str) -> HttpResponse:
    """A JSON answer whose bytes are there already."""
    response = HttpResponse(body, content_type="application/json", status=status)
    response.headers["X-Request-ID"] = request_id
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Length"] = str(len(body))
    return response


def _plain_json(meta: dict[str, str]) -> bool:
    """Whether a body is JSON that is to be answered once, without being remembered."""
    is_json = meta.get("CONTENT_TYPE", "").partition(";")[0].strip() == "application/json"
    return is_json and "HTTP_IDEMPOTENCY_KEY" not in meta


def _too_many() -> TooManyRequests:
    seconds = wait_s()
    return TooManyRequests(f"Too many requests; try again in {seconds} s.", retry_after_s=seconds)
