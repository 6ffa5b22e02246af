"""A web application for granian whose every answer is logged; its path is the request's id."""

import os
from collections.abc import Callable, Iterable
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402

settings.PREDICTION_LOG_WRITER = True
settings.PREDICTION_SPOOL = os.environ["PREDICTION_SPOOL"]

from deployments.prediction_log import put  # noqa: E402
from tests.deployments.prediction_log.entries import entry  # noqa: E402


def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """Answers and logs."""
    put(entry(request_id=environ["PATH_INFO"].strip("/")))
    start("200 OK", [("Content-Type", "text/plain")])
    return [b"logged"]
