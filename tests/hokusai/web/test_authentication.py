from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient, APIRequestFactory

from hokusai.accounts.models import Membership
from hokusai.web.authentication import ApiKeyAuthentication
from tests.factories import (
    ApiKeyFactory,
    MembershipFactory,
    ModelFactory,
    ProjectFactory,
    SuperuserFactory,
    api_key,
)

pytestmark = pytest.mark.django_db


def status(**headers: str) -> int:
    code: int = APIClient().get("/api/v1/me", headers=headers).status_code
    return code


@pytest.mark.parametrize("header", ["bearer", "x-api-key"])
def test_both_headers_take_a_key(header: str) -> None:
    _, secret = api_key(ProjectFactory())
    headers = {"Authorization": f"Bearer {secret}"} if header == "bearer" else {"X-API-Key": secret}
    assert status(**headers) == 200


@pytest.mark.parametrize(
    "fields",
    [
        {"revoked_at": timezone.now()},
        {"expires_at": timezone.now() - timedelta(seconds=1)},
        {"owner__is_active": False},
    ],
)
def test_a_key_that_ended_is_refused(fields: dict[str, Any]) -> None:
    key, secret = api_key(ProjectFactory(), **{k: v for k, v in fields.items() if "owner" not in k})
    if "owner__is_active" in fields:
        key.owner.is_active = False
        key.owner.save()
    assert status(Authorization=f"Bearer {secret}") == 401


@pytest.mark.parametrize("headers", [{"X-API-Key": "nonsense"}, {"Authorization": "Bearer hok_x"}])
def test_an_unknown_key_is_refused(headers: dict[str, str]) -> None:
    assert status(**headers) == 401


def test_a_key_is_found_by_its_hash_alone() -> None:
    key, secret = api_key(ProjectFactory())
    assert secret.encode() not in bytes(key.secret_hash)
    assert secret not in str(vars(key).values())


def test_the_owner_acts_within_the_key_s_project_only() -> None:
    key, secret = api_key(ProjectFactory())
    elsewhere = MembershipFactory(user=key.owner, role="owner")
    ModelFactory(project=elsewhere.project)
    request = APIRequestFactory().get("/", headers={"X-API-Key": secret})
    user, found = ApiKeyAuthentication().authenticate(request)  # type: ignore[misc,arg-type]
    assert found == key
    assert list(user.memberships.values_list("project", flat=True)) == [key.project_id]
    client = APIClient(headers={"X-API-Key": secret})
    assert client.get("/api/v1/models").json()["results"] == []
    assert len(client.get("/api/v1/me").json()["memberships"]) == 1


def test_a_superuser_s_key_has_no_more_than_the_role() -> None:
    owner = SuperuserFactory()
    project = ProjectFactory()
    Membership.objects.create(project=project, user=owner, role="viewer")
    _, secret = api_key(project, owner=owner)
    ModelFactory()
    client = APIClient(headers={"X-API-Key": secret})
    assert client.get("/api/v1/models").json()["results"] == []
    body = {"project": project.slug, "slug": "m", "name": "M"}
    assert client.post("/api/v1/models", body).status_code == 403


def test_a_scope_that_is_missing_is_named() -> None:
    _, secret = api_key(ProjectFactory(), "predict")
    answer = APIClient(headers={"X-API-Key": secret}).get("/api/v1/models")
    assert answer.status_code == 403
    assert answer.json()["context"] == {"scope": "read"}


def test_a_session_needs_a_csrf_token() -> None:
    key = ApiKeyFactory()
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(key.owner, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/api/v1/me").status_code == 200
    body = {"slug": "tides", "name": "Tides"}
    assert client.post("/api/v1/projects", body).status_code == 403
