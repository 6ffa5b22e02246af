import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from mlflow import MlflowClient

from hokusai.tracking import (
    TrackingNotFound,
    TrackingRefused,
    TrackingUnavailable,
    VersionPush,
)
from hokusai.tracking.mlflow import MlflowTracking
from tests.hokusai.tracking.logged import LoggedModel

CLOSED = "http://127.0.0.1:9"


class Answering(BaseHTTPRequestHandler):
    """Answers every request with one status and counts them."""

    status, seen, body = 500, 0, b"{}"

    def do_GET(self) -> None:
        type(self).seen += 1
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    do_POST = do_GET  # noqa: N815  # the name that the base class calls

    def log_message(self, *details: object) -> None:
        """Nothing: the suite's output is its own."""


@pytest.fixture
def failing() -> Iterator[tuple[str, type[Answering]]]:
    """A server whose answers a test chooses."""
    handler = type("Chosen", (Answering,), {"seen": 0})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", handler
    server.shutdown()
    server.server_close()


def test_a_server_that_is_down_is_unavailable_at_once(tmp_path: Path) -> None:
    client = MlflowTracking(uri=CLOSED, timeout_s=5)
    started = time.monotonic()
    for call in (
        lambda: client.get_run("0" * 32),
        lambda: client.ensure_model("a.b", {}),
        lambda: client.find_versions("a.b", "mdv_1"),
        lambda: client.create_version(VersionPush("a.b", "s3://x/y", "", "mdv_1")),
        lambda: client.set_alias("a.b", "production", "1"),
        lambda: client.resolve_source(f"runs:/{'0' * 32}/model"),
        lambda: client.download(f"runs:/{'0' * 32}/model", tmp_path),
        lambda: client.download(f"models:/m-{'0' * 32}", tmp_path),
        client.list_models,
        client.list_versions,
        client.list_experiments,
        lambda: client.list_runs(["0"]),
        lambda: client.metric_history("0" * 32, "loss"),
        lambda: client.set_description("a.b", "1", "x"),
    ):
        with pytest.raises(TrackingUnavailable):
            call()
    assert time.monotonic() - started < 60


@pytest.mark.parametrize("body", [b"{}", b"<html>Bad gateway</html>"], ids=["json", "html"])
@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_server_that_fails_may_be_asked_again_and_is_not_by_the_client(
    status: int, body: bytes, failing: tuple[str, type[Answering]]
) -> None:
    uri, handler = failing
    handler.status, handler.body = status, body
    client = MlflowTracking(uri=uri, timeout_s=5)
    with pytest.raises(TrackingUnavailable):
        client.create_version(VersionPush("a.b", "s3://x/y", "", "mdv_1"))
    assert handler.seen == 1


def test_a_list_that_fails_may_be_asked_again(failing: tuple[str, type[Answering]]) -> None:
    uri, handler = failing
    for status, body in ((503, b"{}"), (200, b"<html>"), (200, b"[]"), (302, b"")):
        handler.status, handler.body, handler.seen = status, body, 0
        with pytest.raises((TrackingUnavailable, TrackingRefused)) as caught:
            MlflowTracking(uri=uri, timeout_s=5).list_versions()
        assert isinstance(caught.value, TrackingUnavailable) == (status != 302)
        assert handler.seen == 1


@pytest.mark.parametrize(
    ("status", "error"), [(404, TrackingNotFound), (400, TrackingRefused), (403, TrackingRefused)]
)
def test_an_answer_that_says_no_is_a_refusal(
    status: int, error: type[Exception], failing: tuple[str, type[Answering]]
) -> None:
    uri, handler = failing
    handler.status, handler.body = status, b"<html>No</html>"
    with pytest.raises(error):
        MlflowTracking(uri=uri, timeout_s=5).get_run("0" * 32)


def test_a_server_that_never_answers_is_unavailable_after_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(TrackingUnavailable):
            MlflowTracking(uri=uri, timeout_s=1).get_run("0" * 32)


def test_what_the_server_does_not_know_is_not_found(logged: LoggedModel, tmp_path: Path) -> None:
    client = logged.client()
    for call in (
        lambda: client.get_run("0" * 32),
        lambda: client.resolve_source("models:/project.absent/1"),
        lambda: client.resolve_source(f"models:/m-{'0' * 32}"),
        lambda: client.resolve_source(f"runs:/{'0' * 32}/model"),
        lambda: client.download(f"runs:/{logged.run_id}/absent", tmp_path),
    ):
        with pytest.raises(TrackingNotFound):
            call()


def test_a_runs_model_resolves_to_the_logged_model(logged: LoggedModel) -> None:
    found = logged.client().resolve_source(logged.source)
    assert found == (f"models:/{logged.logged_id}", logged.run_id)


def test_a_logged_model_names_its_run(logged: LoggedModel) -> None:
    source = f"models:/{logged.logged_id}"
    assert logged.client().resolve_source(source) == (source, logged.run_id)


def test_a_version_of_a_logged_model_names_it(logged: LoggedModel) -> None:
    client = logged.client()
    client.ensure_model("project.logged", {})
    source, run_id = client.resolve_source(logged.source)
    made = client.create_version(VersionPush("project.logged", source, run_id, "mdv_logged"))
    found = client.get_version("project.logged", made.version)
    assert (found.logged_model_id, found.run_id) == (logged.logged_id, logged.run_id)


def test_a_registered_version_resolves_to_what_it_was_made_from(logged: LoggedModel) -> None:
    client = logged.client()
    client.ensure_model("project.resolved", {})
    source, run_id = client.resolve_source(logged.source)
    made = client.create_version(VersionPush("project.resolved", source, run_id, "mdv_resolved"))
    found = client.resolve_source(f"models:/project.resolved/{made.version}")
    assert found[1] == logged.run_id


def test_an_alias_names_one_version_there(logged: LoggedModel) -> None:
    client = logged.client()
    client.ensure_model("project.aliased", {})
    source, run_id = client.resolve_source(logged.source)
    for operation in ("mdv_a", "mdv_b"):
        client.create_version(VersionPush("project.aliased", source, run_id, operation))
    client.set_alias("project.aliased", "production", "1")
    client.set_alias("project.aliased", "production", "2")
    plain = MlflowClient(logged.uri)
    assert plain.get_model_version_by_alias("project.aliased", "production").version == "2"
    assert plain.get_model_version("project.aliased", "1").aliases == []


@pytest.mark.parametrize("source", ["file:///etc", "http://127.0.0.1:9/x"])
def test_a_source_on_somebodys_disk_or_site_is_refused(source: str, logged: LoggedModel) -> None:
    client = logged.client()
    client.ensure_model("project.refused", {})
    with pytest.raises(TrackingRefused):
        client.create_version(VersionPush("project.refused", source, "", "mdv_refused"))
