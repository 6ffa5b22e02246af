from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from contributions.models import Revocation, SigningPolicy
from hokusai.core.canonical import canonical_bytes
from tests.contributions.algorithms.examples import FIRST, statement
from tests.factories import (
    AttestationFactory,
    ImprovementFactory,
    LogRecordFactory,
    ProjectFactory,
    RevocationFactory,
    SigningKeyFactory,
    client_as,
)

pytestmark = pytest.mark.django_db
ROOT = "/api/v1/attestations"


@pytest.mark.parametrize("many", [1, 4])
def test_a_list_shows_those_of_ones_projects_at_one_cost(
    django_assert_num_queries: Any, many: int
) -> None:
    project = ProjectFactory()
    client = client_as(project)
    for _ in range(many):
        AttestationFactory(
            improvement=ImprovementFactory(comparison__benchmark__project=project),
            log_record=LogRecordFactory(kind="attestation"),
        )
    AttestationFactory()
    with django_assert_num_queries(1):
        rows = client.get(ROOT).json()["results"]
    assert len(rows) == many
    assert {row["status"] for row in rows} == {"signed"}
    assert rows[0]["log_index"] is None
    assert client.get(f"{ROOT}?status=revoked").json()["results"] == []


def test_an_attestation_shows_signers_chain_expiry_and_revocation() -> None:
    made = canonical_bytes(statement())
    attestation = AttestationFactory(
        statement=made.decode(), expires_at=timezone.now(), eip712={"signer": "0x1"}
    )
    url = f"{ROOT}/{attestation.statement_id}"
    shown = APIClient().get(url).json()
    assert shown["statement"]["predicate"]["attribution"]["payable"]
    assert (shown["eip712"], shown["revocation"], shown["signatures"]) == (
        {"signer": "0x1"},
        None,
        [],
    )
    assert shown["expires_at"]
    RevocationFactory(attestation=attestation)
    assert APIClient().get(url).json()["revocation"] == "requested"


def test_a_proof_waits_for_a_checkpoint() -> None:
    answer = APIClient().get(f"{ROOT}/{AttestationFactory().statement_id}/proof")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


def test_verifying_over_the_api_makes_every_check() -> None:
    attestation = AttestationFactory(statement=FIRST.decode())
    client = client_as(attestation.project, "viewer")
    found = client.post(f"{ROOT}/{attestation.statement_id}/verify").json()
    assert found["holds"] is False
    checks = {check["code"]: check for check in found["checks"]}
    assert (checks["form"]["holds"], checks["signatures"]["holds"]) == (True, False)
    assert checks["rows"]["holds"] is None
    assert all(check["text"] for check in checks.values())


def test_a_reviewer_revokes_and_everybody_reads_why() -> None:
    attestation = AttestationFactory()
    url = f"{ROOT}/{attestation.statement_id}/revocation"
    assert APIClient().get(url).status_code == 404
    reviewer = client_as(attestation.project, "reviewer")
    assert reviewer.post(url, {}).status_code == 400
    asked = reviewer.post(url, {"reason": "Wrong labels."})
    assert (asked.status_code, asked.json()["signed_at"]) == (202, None)
    assert reviewer.post(url, {"reason": "Again."}).status_code == 409
    shown = APIClient().get(url).json()
    assert (shown["reason"], shown["statement"], shown["log_index"]) == (
        "Wrong labels.",
        None,
        None,
    )
    assert Revocation.objects.get().job.kind == "revocation"


def test_a_signing_policy_is_read_and_stated() -> None:
    project = ProjectFactory()
    url = f"/api/v1/projects/{project.slug}/signing-policy"
    owner = client_as(project, "owner")
    assert owner.get(url).json() == {"required": 1, "key_ids": []}
    names = [SigningKeyFactory().key_id for _ in range(2)]
    assert owner.put(url, {"required": 2, "key_ids": names}, format="json").status_code == 200
    assert owner.get(url).json() == {"required": 2, "key_ids": names}
    wrong = owner.put(url, {"required": 3, "key_ids": names}, format="json")
    assert (wrong.status_code, SigningPolicy.objects.get().required) == (400, 2)
