"""One id per request: taken from `X-Request-ID` when it is sound, answered, logged, recorded."""

import re
from collections.abc import Callable
from typing import Any

import structlog
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django_structlog import signals

from hokusai.core.ids import new_id

HEADER = "X-Request-ID"
_SOUND = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")


class RequestIdMiddleware:
    """Gives every request an id and every answer the same one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = sound_id(request.META.get("HTTP_X_REQUEST_ID", ""))
        request.request_id = request_id  # type: ignore[attr-defined]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = self.get_response(request)
        structlog.contextvars.clear_contextvars()
        response[HEADER] = request_id
        return response


def sound_id(offered: str) -> str:
    """The offered id where it is 8 to 64 plain characters, else a new one."""
    return offered if _SOUND.fullmatch(offered) else new_id("req")


@receiver(signals.bind_extra_request_metadata)
def keep_request_id(sender: Any, request: HttpRequest, **kwargs: Any) -> None:
    """django_structlog binds an id of its own making; the logs show the one that is answered."""
    if request_id := getattr(request, "request_id", None):
        structlog.contextvars.bind_contextvars(request_id=request_id)
