"""Whether the process lives, and which of the parts that it leans on answer."""

import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from drf_spectacular.utils import extend_schema, inline_serializer
from kombu import Connection
from kombu.exceptions import OperationalError as BrokerError
from redis import Redis
from redis.exceptions import RedisError
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hokusai.web.permissions import Everybody
from hokusai.web.schema import ApiSchema

_READINESS = inline_serializer(
    "Readiness",
    {
        "status": serializers.ChoiceField(["ok", "degraded", "down"]),
        "parts": serializers.DictField(child=serializers.CharField()),
    },
)
TIMEOUT_S = 1.0
# The shortest that libpq waits.
DATABASE_TIMEOUT_S = 2
NEEDED = frozenset({"database", "redis"})


class LiveView(APIView):
    """Whether this process answers at all."""

    schema = ApiSchema()
    authentication_classes: Any = ()
    permission_classes: Any = (Everybody,)

    @extend_schema(
        responses=inline_serializer("Alive", {"status": serializers.CharField()}),
    )
    def get(self, request: Request) -> Response:
        """Tell that this process answers."""
        return Response({"status": "ok"})


class ReadyView(APIView):
    """Which parts answer; 503 when the database or Redis does not, else at most degraded."""

    schema = ApiSchema()
    authentication_classes: Any = ()
    permission_classes: Any = (Everybody,)

    @extend_schema(responses={200: _READINESS, 503: _READINESS})
    def get(self, request: Request) -> Response:
        """Tell which parts answer, so that requests go where they can be served."""
        parts = {name: "ok" if probe() else "down" for name, probe in PROBES.items()}
        failed = {name for name, state in parts.items() if state == "down"}
        state = "down" if failed & NEEDED else "degraded" if failed else "ok"
        return Response({"status": state, "parts": parts}, status=503 if state == "down" else 200)


def database_answers() -> bool:
    """Whether a new connection to PostgreSQL can be had and asked."""
    parameters = connection.get_connection_params()
    wanted = ("dbname", "user", "password", "host", "port")
    known = {name: parameters[name] for name in wanted if parameters.get(name)}
    try:
        with psycopg.connect(**known, connect_timeout=DATABASE_TIMEOUT_S) as fresh:
            fresh.execute("SET statement_timeout = '1s'").connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True


def redis_answers() -> bool:
    """Whether Redis answers a ping."""
    client = Redis.from_url(
        settings.REDIS_URL, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
    )
    try:
        return bool(client.ping())
    except RedisError:
        return False
    finally:
        client.close()


def broker_answers() -> bool:
    """Whether Celery's broker takes a connection."""
    try:
        with Connection(
            settings.CELERY_BROKER_URL,
            connect_timeout=TIMEOUT_S,
            transport_options={"socket_connect_timeout": TIMEOUT_S, "socket_timeout": TIMEOUT_S},
        ) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=TIMEOUT_S)
    except (BrokerError, RedisError, OSError):
        return False
    return True


def tracking_answers() -> bool:
    """Whether the MLflow server says that it is well."""
    url = settings.MLFLOW_TRACKING_URI.rstrip("/") + "/health"
    if not url.startswith(("http://", "https://")):
        return False
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310
            return bool(answer.status == 200)  # noqa: PLR2004
    except (urllib.error.URLError, OSError, ValueError):
        return False


def runner_answers() -> bool:
    """Whether somebody listens on the runner's socket."""
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(TIMEOUT_S)
            client.connect(settings.RUNNER_SOCKET)
    except OSError:
        return False
    return True


PROBES: dict[str, Callable[[], bool]] = {
    "database": database_answers,
    "redis": redis_answers,
    "broker": broker_answers,
    "tracking": tracking_answers,
    "runner": runner_answers,
}
