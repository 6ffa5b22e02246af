"""The web server as it runs, ended by a signal right after it answered."""

import http.client
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from deployments.log_models import PredictionLog
from deployments.prediction_log.writer import Writer
from hokusai.embedded.ports import any_free
from tests.programs import python

ROOT = Path(__file__).parents[3]
PREDICTIONS = 40


@contextmanager
def serving(url: str, spool: Path) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    port = any_free()
    process = subprocess.Popen(
        [
            *python("-m", "granian", "--interface=wsgi", "--host=127.0.0.1", f"--port={port}"),
            "--workers=1",
            "--workers-kill-timeout=5",
            "tests.deployments.prediction_log.answering:application",
        ],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url, "PREDICTION_SPOOL": str(spool)},
    )
    try:
        yield process, port
    finally:
        process.kill()
        process.wait(20)


def ask(port: int, path: str) -> None:
    """Get an answer, as soon as somebody listens."""
    end = time.monotonic() + 60
    while True:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            client.request("GET", f"/{path}")
            client.getresponse().read()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return
        finally:
            client.close()


def url_of_the_test() -> str:
    base = os.environ["DATABASE_URL"].rsplit("/", 1)[0]
    return f"{base}/{connection.settings_dict['NAME']}"


def test_what_was_answered_before_sigterm_is_in_the_log(writer: Writer, spool_folder: Path) -> None:
    with serving(url_of_the_test(), spool_folder) as (server, port):
        for number in range(PREDICTIONS):
            ask(port, f"r{number}")
        server.terminate()
        server.wait(20)
    assert PredictionLog.objects.count() == PREDICTIONS
    assert not list(spool_folder.glob("*"))
