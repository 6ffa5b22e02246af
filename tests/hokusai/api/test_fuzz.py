"""The API against requests made from its own schema: no 500, no answer that is not described."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from random import Random
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection, transaction
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import (
    GenerationConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.hokusai.api.table import CASES
from tests.hokusai.api.world import World, filled, make_world

pytestmark = pytest.mark.django_db

# How often a known value takes the place of a made up one.
KNOWN = 0.6
BOUNDED = hypothesis.settings(
    max_examples=8,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    suppress_health_check=list(hypothesis.HealthCheck),
)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
# The owner may do most; the others are there for their refusals.
CALLERS = ("owner", "owner", "owner", "reviewer", "key_write", "anonymous")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> World:
    monkeypatch.setattr("hokusai.api.health.PROBES", {})
    settings.MLFLOW_WEBHOOK_SECRETS = ["of-this-test-alone"]
    return make_world(tmp_path)


@pytest.fixture
def callers(world: World) -> dict[str, dict[str, str]]:
    """The headers by which each is known."""
    return {name: world.headers[name] for name in CALLERS}


@pytest.fixture
def application() -> Iterator[Any]:
    """The WSGI application, which leaves the test's connection open as Django's own client does."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield get_wsgi_application()
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def described(application: Any) -> Any:
    """The API's own schema, as it serves it."""
    generation = GenerationConfig(with_security_parameters=False, deterministic=True)
    project = ProjectConfig(generation=generation)
    config = SchemathesisConfig(projects=ProjectsConfig(default=project))
    return schemathesis.openapi.from_wsgi("/api/schema/", application, config=config)


def operations(described: Any, methods: tuple[str, ...]) -> Iterator[APIOperation]:
    for result in described.get_all_operations():
        operation = result.ok()
        if operation.method.lower() in methods:
            yield operation


def route_of(operation: APIOperation) -> str:
    """As the table of permissions writes it."""
    path = operation.path.removeprefix("/api/v1/").replace("{", "<").replace("}", ">")
    return f"{operation.method.upper()} {path}"


def known_path(operation: APIOperation, world: World) -> dict[str, str]:
    """Path parameters that name rows of the world."""
    route = route_of(operation)
    _, address = filled(route, world)
    pattern = re.sub(
        r"\{(\w+)\}",
        r"(?P<\1>.+?)",
        re.escape(operation.path).replace(r"\{", "{").replace(r"\}", "}"),
    )
    found = re.fullmatch(pattern, address)
    assert found is not None, (pattern, address)
    return found.groupdict()


@pytest.mark.parametrize("methods", [("get",), ("post",), ("put", "patch", "delete")], ids="-".join)
def test_answers_are_as_the_schema_says(
    methods: tuple[str, ...],
    world: World,
    callers: dict[str, dict[str, str]],
    described: Any,
    subtests: pytest.Subtests,
) -> None:
    for operation in operations(described, methods):
        with subtests.test(operation.label):
            target = Target(operation, world, callers)
            target.send_what_is_valid()
            target.send_names_that_nothing_has()
            target.send_what_is_made_up()


class Target:
    """One operation with what is known about it."""

    def __init__(
        self, operation: APIOperation, world: World, callers: dict[str, dict[str, str]]
    ) -> None:
        self.operation = operation
        self.callers = callers
        self.path = known_path(operation, world)
        row = CASES[route_of(operation)]
        self.media_type = "multipart/form-data" if row.multipart else "application/json"
        self.body = as_sent(row.body(world))
        self.values = {
            **world.names,
            "project": world.names["slug"],
            "model": world.names["model_id"],
            "dataset": world.names["dataset_id"],
        }

    def send_what_is_valid(self) -> None:
        for headers in (self.callers["owner"], self.callers["key_write"]):
            sent = {} if self.body is None else {"body": self.body, "media_type": self.media_type}
            answer(self.operation.Case(path_parameters=self.path, **sent), headers)

    def send_names_that_nothing_has(self) -> None:
        """PostgreSQL keeps no NUL, and fails where one is looked for."""
        for name in self.path:
            path = {**self.path, name: "a\0b"}
            sent = {} if self.body is None else {"body": self.body, "media_type": self.media_type}
            answer(self.operation.Case(path_parameters=path, **sent), self.callers["owner"])

    def send_what_is_made_up(self) -> None:
        make = self.operation.as_strategy
        cases = st.one_of(
            make(GenerationMode.POSITIVE, path_parameters=self.path),
            make(GenerationMode.POSITIVE, path_parameters=self.path),
            make(GenerationMode.NEGATIVE, path_parameters=self.path),
            make(GenerationMode.POSITIVE),
        )

        @BOUNDED
        @hypothesis.given(cases, st.sampled_from(CALLERS), st.randoms(use_true_random=False))
        def run(case: Case, caller: str, dice: Random) -> None:
            self.mix_in_what_is_known(case, dice)
            answer(case, self.callers[caller])

        run()

    def mix_in_what_is_known(self, case: Case, dice: Random) -> None:
        """Valid fields among made up ones, so that a rule behind the first check is reached."""
        if isinstance(case.body, dict) and isinstance(self.body, dict):
            kept = {name for name in self.body if dice.random() < KNOWN}
            case.body = {**case.body, **{name: self.body[name] for name in kept}}
        for name in set(case.query or {}) & set(self.values):
            if dice.random() < KNOWN:
                case.query[name] = self.values[name]


def answer(case: Case, headers: dict[str, str]) -> None:
    """Send a request and hold the answer to the schema; nothing of it stays."""
    with transaction.atomic():
        response = case.call(headers=headers)
        if response.status_code < HTTPStatus.BAD_REQUEST:
            # As at the end of a real request: what only the commit would refuse is refused here.
            connection.check_constraints()
        transaction.set_rollback(True)
    expected = response.status_code in (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE)
    case.validate_response(response, checks=CHECKS[1:] if expected else CHECKS, headers=headers)
    assert "x-request-id" in response.headers


def as_sent(body: Any) -> Any:
    """A valid body of the table; files as their bytes."""
    if not isinstance(body, dict):
        return body
    return {name: value.read() if hasattr(value, "read") else value for name, value in body.items()}
