import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404
from django.test import RequestFactory
from rest_framework import exceptions
from rest_framework.test import APIClient

from experiments.exceptions import BenchmarkNotApproved, SamePerson
from hokusai.api.errors import STATUS_BY_ERROR, exception_handler, server_error, status_of
from hokusai.core.errors import (
    Conflict,
    DomainError,
    Forbidden,
    InvalidInput,
    InvalidTransition,
    NotFound,
    OutsideError,
    OutsideUnavailable,
)
from hokusai.tracking import TrackingNotFound, TrackingUnavailable
from hokusai.web.problems import BodyTooLarge, InFlight, KeyReused, TooManyRequests
from registry.exceptions import ArtifactRefused, ChecksFailed, NotIndependent
from tests.factories import UserFactory

BODY = {"code", "message", "context", "request_id"}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DomainError, 400),
        (InvalidInput, 400),
        (ArtifactRefused, 400),
        (Forbidden, 403),
        (NotIndependent, 403),
        (SamePerson, 403),
        (NotFound, 404),
        (Conflict, 409),
        (InvalidTransition, 409),
        (BenchmarkNotApproved, 409),
        (ChecksFailed, 409),
        (InFlight, 409),
        (BodyTooLarge, 413),
        (KeyReused, 422),
        (TooManyRequests, 429),
        (OutsideError, 502),
        (TrackingNotFound, 502),
        (OutsideUnavailable, 503),
        (TrackingUnavailable, 503),
    ],
)
def test_an_error_has_the_status_of_its_nearest_class_in_the_table(
    error: type[DomainError], status: int
) -> None:
    assert status_of(error("no")) == status


def test_every_status_of_the_table_is_an_error() -> None:
    assert all(400 <= status < 600 for status in STATUS_BY_ERROR.values())


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Http404(), 404, "not_found"),
        (exceptions.NotFound(), 404, "not_found"),
        (PermissionDenied(), 403, "forbidden"),
        (exceptions.PermissionDenied("CSRF Failed"), 403, "forbidden"),
        (exceptions.MethodNotAllowed("PATCH"), 405, "method_not_allowed"),
        (exceptions.ParseError(), 400, "parse_error"),
        (exceptions.UnsupportedMediaType("text/plain"), 415, "unsupported_media_type"),
        (exceptions.NotAuthenticated(), 401, "not_authenticated"),
        (exceptions.AuthenticationFailed(), 401, "authentication_failed"),
        (RequestDataTooBig(), 413, "body_too_large"),
        (exceptions.ValidationError({"a": ["wrong"]}), 400, "invalid_input"),
    ],
)
def test_every_error_has_the_one_body(error: Exception, status: int, code: str) -> None:
    answer = exception_handler(error, {})
    assert answer is not None
    assert set(answer.data) == BODY
    assert (answer.status_code, answer.data["code"]) == (status, code)


def test_a_fault_of_ours_is_not_dressed_up() -> None:
    assert exception_handler(ValueError("bug"), {}) is None


@pytest.mark.parametrize(
    ("path", "kind"), [("/api/v1/models", "application/json"), ("/admin/", "text/html")]
)
def test_a_fault_is_told_in_the_language_of_the_page(
    rf: RequestFactory, path: str, kind: str
) -> None:
    answer = server_error(rf.get(path))
    assert answer.status_code == 500
    assert answer["Content-Type"].startswith(kind)


def test_the_message_names_the_first_wrong_field_and_the_context_all() -> None:
    error = exceptions.ValidationError({"slug": ["Too long."], "name": ["Missing."]})
    answer = exception_handler(error, {})
    assert answer is not None
    assert answer.data["message"] == "slug: Too long."
    assert set(answer.data["context"]["fields"]) == {"slug", "name"}


def test_the_context_of_a_domain_error_is_answered() -> None:
    answer = exception_handler(InvalidTransition("no", current="a", target="b"), {})
    assert answer is not None
    assert answer.data["context"] == {"current": "a", "target": "b"}


def test_what_is_not_found_says_nothing_of_its_context() -> None:
    answer = exception_handler(NotFound("no", hidden="secret"), {})
    assert answer is not None
    assert answer.data["context"] == {}


def test_an_outage_says_when_to_try_again() -> None:
    answer = exception_handler(OutsideUnavailable("down"), {})
    assert answer is not None
    assert answer["Retry-After"] == "5"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("get", "nothing/here", "", 404),
        ("get", "models", "", 401),
        ("post", "me", "", 405),
        ("post", "projects", "{broken", 400),
    ],
)
def test_errors_over_http_have_the_one_body_and_the_request_id(
    method: str, path: str, content: str, status: int
) -> None:
    client = APIClient()
    if status != 401:
        client.force_authenticate(UserFactory())
    send = getattr(client, method)
    answer = send(
        f"/api/v1/{path}",
        data=content or None,
        content_type="application/json",
        headers={"X-Request-ID": "trace-0001"},
    )
    assert answer.status_code == status
    assert set(answer.json()) == BODY
    assert answer.json()["request_id"] == answer["X-Request-ID"] == "trace-0001"


@pytest.mark.django_db
def test_a_401_says_how_to_authenticate() -> None:
    assert "Bearer" in APIClient().get("/api/v1/models")["WWW-Authenticate"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["benchmarks/0/approve", "models/none", "jobs/x%0Ay/cancel"])
def test_a_post_that_no_route_knows_is_told_so_in_the_one_body(path: str) -> None:
    answer = APIClient(enforce_csrf_checks=True).post(f"/api/v1/{path}")
    assert answer.status_code == 404
    assert set(answer.json()) == BODY


@pytest.mark.django_db
def test_a_form_that_cannot_be_read_has_the_one_body() -> None:
    client = APIClient()
    client.force_authenticate(UserFactory())
    form = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' for _ in range(1100)
    )
    kind = "multipart/form-data; boundary=b"
    answer = client.post("/api/v1/contributions", data=form + b"--b--", content_type=kind)
    assert answer.status_code == 400
    assert set(answer.json()) == BODY


@pytest.mark.django_db
@pytest.mark.parametrize(
    "content",
    [
        b"[" * 20_000,
        b'{"name": ' * 300 + b"1" + b"}" * 300,
        b'{"name": "\\ud800"}',
        b'{"name": NaN}',
        b'{"name": 1' + b"0" * 400 + b"}",
        b"\xff\xfe{}",
    ],
)
def test_a_body_that_cannot_be_kept_is_no_fault_of_ours(content: bytes) -> None:
    client = APIClient()
    client.force_authenticate(UserFactory())
    answer = client.post(
        "/api/v1/projects",
        data=content,
        content_type="application/json",
        headers={"Idempotency-Key": "once"},
    )
    assert answer.status_code == 400
    assert answer.json()["code"] == "parse_error"
