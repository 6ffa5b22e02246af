"""How much a client may ask: requests per minute, bytes per body."""

from typing import Any

import structlog
from django.conf import settings
from django.http import HttpRequest
from django_ratelimit.core import get_usage
from prometheus_client import Counter
from redis.exceptions import RedisError
from rest_framework.request import Request

from hokusai.accounts.credentials import Credential
from hokusai.web import counters
from hokusai.web.problems import BodyTooLarge, TooManyRequests

log = structlog.get_logger(__name__)
UNCOUNTED = Counter(
    "hokusai_rate_limit_unavailable_total",
    "Requests that passed uncounted because Redis did not answer",
)
MULTIPART_OVERHEAD = 64 * 1024


def check_rate(request: Request, *, group: str = "api", rate: str | None = None) -> None:
    """Count one request of a key, a person or an address.

    Raises TooManyRequests above the limit. Without Redis every request passes and is counted.
    """
    principal = principal_of(request)
    known = not principal.startswith("ip:")
    limit = rate or (settings.RATE_LIMIT if known else settings.RATE_LIMIT_ANONYMOUS)
    try:
        usage = get_usage(
            request, group=group, key=lambda *_: principal, rate=limit, increment=True
        )
    except RedisError as error:
        UNCOUNTED.inc()
        log.warning("rate_limit_unavailable", error=type(error).__name__)
        return
    if usage and usage["should_limit"]:
        wait_s = max(1, usage["time_left"])
        raise TooManyRequests(f"Too many requests; try again in {wait_s} s.", retry_after_s=wait_s)


def check_target_rate(name: str, per_minute: int | None) -> None:
    """Count one request of a target that has a limit of its own, as the fast way counts it.

    To be asked after permission was checked. Raises TooManyRequests above the limit; without Redis
    every request passes and is counted.
    """
    if per_minute is None:
        return
    try:
        count = counters.increase(counters.target_counter(name))
    except RedisError as error:
        UNCOUNTED.inc()
        log.warning("rate_limit_unavailable", error=type(error).__name__)
        return
    if count > per_minute:
        raise too_many_of_target(per_minute)


def too_many_of_target(per_minute: int) -> TooManyRequests:
    """The refusal of a target's own limit."""
    seconds = counters.wait_s()
    return TooManyRequests(
        f"This deployment answers {per_minute} requests per minute; try again in {seconds} s.",
        retry_after_s=seconds,
        limit="deployment",
    )


def principal_of(request: Any) -> str:
    """Who asks: a key or what stands for one, a person, or an address."""
    if isinstance(request.auth, Credential):
        return f"key:{request.auth.public_id}"
    if request.user.is_authenticated:
        return f"user:{request.user.public_id}"
    return f"ip:{request.META.get('REMOTE_ADDR', '')}"


def check_body_size(request: HttpRequest | Request) -> None:
    """Raises BodyTooLarge by the stated length, before a byte of the body is read."""
    multipart = str(request.META.get("CONTENT_TYPE", "")).startswith("multipart/")
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if multipart:
        limit = settings.MAX_TABLE_BYTES + MULTIPART_OVERHEAD
    stated = str(request.META.get("CONTENT_LENGTH") or "0")
    size = int(stated) if stated.isdecimal() else 0
    if size > limit:
        raise BodyTooLarge(
            f"The body has {size} bytes; at most {limit} are taken.", limit_bytes=limit
        )
