from io import StringIO
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from rest_framework.test import APIClient

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def schema() -> Any:
    """The API's description, valid and without a warning."""
    text = StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=text)
    return yaml.safe_load(text.getvalue())


def operations(schema: Any) -> Any:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                yield f"{method} {path}", operation


def test_every_endpoint_has_a_summary(schema: Any) -> None:
    assert [name for name, row in operations(schema) if not row.get("summary")] == []


def test_every_endpoint_describes_its_errors(schema: Any) -> None:
    reference = {"$ref": "#/components/schemas/Error"}
    for name, operation in operations(schema):
        if "/health/" in name:
            continue
        content = operation["responses"]["400"]["content"]["application/json"]
        assert content["schema"] == reference, name


def test_every_post_takes_an_idempotency_key(schema: Any) -> None:
    for name, operation in operations(schema):
        if name.startswith("post"):
            names = {row["name"] for row in operation.get("parameters", [])}
            assert "Idempotency-Key" in names, name


def test_lists_are_described_as_pages(schema: Any) -> None:
    operation = schema["paths"]["/api/v1/models"]["get"]
    names = {row["name"] for row in operation["parameters"]}
    assert {"cursor", "page_size", "ordering", "fields"} <= names


@pytest.mark.parametrize("page", ["schema", "docs", "redoc"])
def test_the_pages_of_the_description_open_without_login(page: str) -> None:
    answer = APIClient().get(f"/api/{page}/")
    assert answer.status_code == 200
    assert b"cdn" not in answer.content
