"""`Idempotency-Key`: a POST that is repeated changes nothing and is answered as the first was."""

import hashlib
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any

import orjson
from django.db import connection, transaction
from django.db.models.functions import Now
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from hokusai.core.errors import DomainError, InvalidInput
from hokusai.web.limits import principal_of
from hokusai.web.models import IdempotencyRecord
from hokusai.web.problems import InFlight, KeyReused
from hokusai.web.renderers import OrjsonRenderer

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
LIFETIME = timedelta(hours=24)
MAX_KEY = 200

Handler = Callable[..., Response]


def once(handler: Handler, *, secret_fields: Collection[str] = ()) -> Handler:
    """The handler, made to run at most once per principal, path and key.

    `secret_fields` of the answer are never stored: a replay answers them as null.
    Raises KeyReused for another body, InFlight while the first is unanswered.
    """

    def run(request: Request, *args: Any, **kwargs: Any) -> Response:
        with transaction.atomic():
            record = _claim(request)
            if record.status_code is not None:
                return _replay(record)
            try:
                response = handler(request, *args, **kwargs)
            except (DomainError, APIException) as error:
                # What the service rolled back is gone; what it recorded before, stays.
                failure: Exception = error
            else:
                _store(record, response, secret_fields)
                return response
        raise failure

    return run


def forget_expired() -> int:
    """Delete records past their 24 hours; how many there were."""
    deleted, _ = IdempotencyRecord.objects.filter(created_at__lt=Now() - LIFETIME).delete()
    return deleted


def _claim(request: Request) -> IdempotencyRecord:
    """The stored record, or a new unsaved one under a lock that lasts as long as the change."""
    identity = {
        "principal": principal_of(request),
        "route": _route(request),
        "key": _sound_key(request.headers[HEADER]),
    }
    digest = body_digest(request)
    if not _lock("|".join(identity.values())):
        raise InFlight("The first request with this key has not been answered yet.")
    IdempotencyRecord.objects.filter(**identity, created_at__lt=Now() - LIFETIME).delete()
    stored = IdempotencyRecord.objects.filter(**identity).first()
    if stored is None:
        return IdempotencyRecord(**identity, body_digest=digest)
    if stored.body_digest != digest:
        raise KeyReused("This key was used with another body; use a new key.")
    return stored


def _route(request: Request) -> str:
    route = f"{request.method} {request.path}"
    return route if len(route) <= MAX_KEY else hashlib.sha256(route.encode()).hexdigest()


def _sound_key(key: str) -> str:
    if not key.isascii() or not key.isprintable() or not 1 <= len(key) <= MAX_KEY:
        raise InvalidInput(f"{HEADER} is 1 to {MAX_KEY} printable ASCII characters.")
    return key


def _lock(identity: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [identity])
        return bool(cursor.fetchone()[0])


def _store(record: IdempotencyRecord, response: Response, secret_fields: Collection[str]) -> None:
    if not status.is_success(response.status_code):
        return
    body = orjson.loads(OrjsonRenderer().render(response.data) or b"null")
    if isinstance(body, dict):
        body |= {field: None for field in secret_fields if field in body}
    record.status_code, record.body = response.status_code, body
    record.save()


def _replay(record: IdempotencyRecord) -> Response:
    return Response(record.body, status=record.status_code, headers={REPLAYED: "true"})


def body_digest(request: Request) -> str:
    """SHA-256 over what a body says: fields in order of name, files by their content."""
    data: Any = request.data
    if isinstance(data, bytes):
        return hashlib.sha256(data).hexdigest()
    digest = hashlib.sha256()
    if not hasattr(data, "lists"):
        digest.update(orjson.dumps(data, option=orjson.OPT_SORT_KEYS))
        return digest.hexdigest()
    for name, values in sorted(data.lists()):
        for value in values:
            content = _file_digest(value) if hasattr(value, "chunks") else str(value)
            digest.update(orjson.dumps([name, content]))
    return digest.hexdigest()


def _file_digest(file: Any) -> str:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()
