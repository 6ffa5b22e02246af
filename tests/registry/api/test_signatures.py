from pathlib import Path

import pytest
from pytest_django import Settings

from hokusai.core import jobs
from registry.models import ModelVersion
from tests.factories import client_as
from tests.registry.test_signing import (  # noqa: F401 - fixtures
    KEY,
    PARTNER,
    public,
    signed_by,
    signer,
    version,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def url(version: ModelVersion) -> str:  # noqa: F811
    job = jobs.enqueue("artifact_signature", subject=version.public_id, project_id=None)
    jobs.run(job.pk)
    return f"/api/v1/models/{version.model.model_id}/versions/{version.number}/signatures"


def test_the_platforms_signature_is_verified_as_it_is_asked_for(
    version: ModelVersion,  # noqa: F811
    url: str,
    tmp_path: Path,
) -> None:
    client = client_as(version.project, "viewer")
    (row,) = client.get(url).json()
    assert (row["signer"], row["valid"], row["problem"]) == ("platform", True, "")
    (tmp_path / "key.pub").write_text(public(PARTNER))
    (row,) = client.get(url).json()
    assert row["valid"] is False
    assert "not known" in row["problem"]


def test_a_third_partys_signature_is_added_once(
    version: ModelVersion,  # noqa: F811
    url: str,
    tmp_path: Path,
) -> None:
    client = client_as(version.project)
    bundle = signed_by(PARTNER, tmp_path / "files", tmp_path)
    answer = client.post(url, {"bundle": bundle}, format="json")
    assert answer.status_code == 201
    assert [(row["signer"], row["valid"]) for row in answer.json()] == [
        ("platform", True),
        ("partner", True),
    ]
    again = client.post(url, {"bundle": bundle}, format="json")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize("bundle", ["{}", "no JSON", "[]", "é\u0001"])
def test_what_is_no_signature_is_refused(
    version: ModelVersion,  # noqa: F811
    url: str,
    bundle: str,
) -> None:
    answer = client_as(version.project).post(url, {"bundle": bundle}, format="json")
    assert answer.status_code == 400
    assert version.signatures.count() == 1


def test_the_keys_are_public(client, settings: Settings) -> None:
    found = client.get("/api/v1/model-keys").json()
    assert [(row["signer"], row["public_pem"]) for row in found] == [
        ("platform", public(KEY)),
        ("partner", public(PARTNER)),
    ]
    settings.MODEL_SIGNING_PUBLIC_KEY_FILE = ""
    settings.MODEL_SIGNING_TRUSTED_KEYS = {}
    assert client.get("/api/v1/model-keys").json() == []
