from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from contributions.models import Contribution
from tests.factories import (
    AttestationFactory,
    ContributionFactory,
    ImprovementFactory,
    ModelFactory,
    ShareFactory,
    SigningKeyFactory,
    client_as,
    client_of,
    wallet_address,
)

pytestmark = pytest.mark.django_db
ROWS = [{"x": 1.5, "label": 0}, {"x": 2.5, "label": 1}]


def gift(model: Any, **fields: Any) -> dict[str, Any]:
    return {
        "model_id": model.model_id,
        "address": wallet_address(),
        "licence": "CC0-1.0",
        "label_column": "label",
        **fields,
    }


@pytest.mark.parametrize("how", ["rows", "file"])
def test_data_is_given_as_rows_or_as_a_file(how: str) -> None:
    model = ModelFactory()
    client = client_as(model.project, "contributor")
    if how == "rows":
        answer = client.post("/api/v1/contributions", gift(model, rows=ROWS))
    else:
        file = SimpleUploadedFile("rows.csv", b"x,label\n1.5,0\n2.5,1\n")
        answer = client.post("/api/v1/contributions", gift(model, file=file), format="multipart")
    assert answer.status_code == 202, answer.content
    assert answer.json()["status"] == "received"
    assert Contribution.objects.get().dataset_version.size_bytes > 0


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"rows": ROWS, "address": "0x123"},
        {"rows": ROWS, "licence": "secret"},
        {"rows": []},
        {"rows": ROWS, "model_id": "nodot"},
    ],
)
def test_what_cannot_be_given_is_refused(wrong: dict[str, Any]) -> None:
    model = ModelFactory()
    answer = client_as(model.project).post("/api/v1/contributions", gift(model) | wrong)
    assert answer.status_code == 400
    assert not Contribution.objects.exists()


def test_only_the_giver_takes_data_back() -> None:
    given = ContributionFactory()
    url = f"/api/v1/contributions/{given.public_id}/withdraw"
    assert client_as(given.project, "contributor").post(url).status_code == 403
    person = client_as(given.project, "contributor")
    given.submitted_by = person.handler._force_user
    given.save()
    assert person.post(url).json()["status"] == "withdrawn"


def test_an_attestation_is_public_to_whoever_has_its_id() -> None:
    attestation = AttestationFactory()
    url = f"/api/v1/attestations/{attestation.statement_id}"
    shown = APIClient().get(url).json()
    assert shown["id"] == attestation.statement_id
    assert shown["statement"].keys() == {"n"}
    assert APIClient().get(f"{url}/envelope").json() == attestation.envelope


def test_an_attestation_that_waits_for_its_signature_is_absent() -> None:
    attestation = AttestationFactory(status="pending")
    url = f"/api/v1/attestations/{attestation.statement_id}"
    assert APIClient().get(url).status_code == 404


def test_a_revoked_attestation_says_so() -> None:
    attestation = AttestationFactory(status="revoked")
    url = f"/api/v1/attestations/{attestation.statement_id}"
    assert APIClient().get(url).json()["status"] == "revoked"


def test_keys_are_public_and_never_private() -> None:
    key = SigningKeyFactory()
    shown = APIClient().get("/api/v1/keys").json()
    assert [row["id"] for row in shown] == [key.key_id]
    assert "PRIVATE" not in str(shown)


def test_an_improvement_names_shares_and_its_attestation() -> None:
    share = ShareFactory()
    attestation = AttestationFactory(improvement=share.improvement)
    client = client_as(share.improvement.project, "viewer")
    shown = client.get(f"/api/v1/improvements/{share.improvement.public_id}").json()
    assert shown["attestation"] == attestation.statement_id
    assert shown["shares"][0]["contribution"] == share.contribution.public_id


@pytest.mark.parametrize("many", [1, 4])
@pytest.mark.parametrize(("path", "queries"), [("contributions", 1), ("improvements", 4)])
def test_listing_costs_the_same_for_one_as_for_many(
    django_assert_num_queries: Any, path: str, queries: int, many: int
) -> None:
    model = ModelFactory()
    client = client_as(model.project)
    for _ in range(many):
        improvement = ImprovementFactory(comparison__benchmark__project=model.project)
        ShareFactory(improvement=improvement)
    # Of improvements also the shares, their contributions and wallets.
    with django_assert_num_queries(queries):
        answer = client.get(f"/api/v1/{path}")
    assert len(answer.json()["results"]) == many


def test_a_contribution_to_a_model_of_a_public_project_needs_a_role() -> None:
    model = ModelFactory(project__visibility="public")
    stranger = client_of(ContributionFactory().submitted_by)
    answer = stranger.post("/api/v1/contributions", gift(model, rows=ROWS))
    assert answer.status_code == 403
