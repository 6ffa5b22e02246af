import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from contributions.algorithms.statement import statement_id
from contributions.algorithms.verification import verify_attestation
from contributions.choices import ContributionStatus
from contributions.models import Attestation, Contribution, SigningPolicy
from hokusai.accounts.choices import Role
from hokusai.accounts.models import Project
from hokusai.core.canonical import canonical_bytes
from hokusai.signers.algorithms.dsse import encode_envelope, key_id, sign
from tests.contributions.algorithms.examples import ANNA, statement
from tests.factories import (
    AttestationFactory,
    ContributionFactory,
    ImprovementFactory,
    JobFactory,
    ModelFactory,
    ProjectFactory,
    ShareFactory,
    SigningKeyFactory,
)
from tests.staff import SENT, Staff, staff_in

pytestmark = pytest.mark.django_db

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def project() -> Project:
    return ProjectFactory()


@pytest.fixture
def engineer(project: Project) -> Staff:
    return staff_in(project, Role.ENGINEER)


@pytest.fixture
def attestation(project: Project) -> Attestation:
    SigningKeyFactory(key_id=key_id(KEY.public_key()), public_pem=PEM.decode())
    signed = canonical_bytes(statement())
    return AttestationFactory(
        improvement=ImprovementFactory(comparison__benchmark__project=project),
        statement=signed.decode(),
        statement_id=statement_id(statement()),
        envelope=sign(signed, KEY),
        key_id=key_id(KEY.public_key()),
    )


def verify(staff: Staff, attestation: Attestation) -> str:
    url = reverse("admin:contributions_attestation_verify", args=[attestation.pk])
    answer = staff.client.get(url, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_verifying_shows_each_check(engineer: Staff, attestation: Attestation) -> None:
    shown = verify(engineer, attestation)
    for words in ("Form and sums", "Signatures", "In the transparency log", "1 of 1 by"):
        assert words in shown


def test_a_changed_envelope_does_not_hold(engineer: Staff, attestation: Attestation) -> None:
    other = json.loads(attestation.statement)
    other["predicateType"] = "https://example.org/other"
    attestation.envelope = {
        **attestation.envelope,
        "payload": sign(canonical_bytes(other), KEY)["payload"],
    }
    attestation.save()
    shown = verify(engineer, attestation)
    assert "A signature does not hold" in shown
    assert "failed" in shown


def test_what_is_not_signed_cannot_be_verified(engineer: Staff, project: Project) -> None:
    pending = AttestationFactory(
        status="pending", improvement=ImprovementFactory(comparison__benchmark__project=project)
    )
    url = reverse("admin:contributions_attestation_checks", args=[pending.pk])
    assert engineer.client.get(url).status_code == 404


def page_of(staff: Staff, attestation: Attestation) -> str:
    url = reverse("admin:contributions_attestation_change", args=[attestation.pk])
    return staff.client.get(url).content.decode()


def test_an_attestations_page_tells_what_it_says_and_who_signed(
    engineer: Staff, attestation: Attestation
) -> None:
    shown = page_of(engineer, attestation)
    for words in (
        "accuracy (decides)",
        "confirmed: +0.017000",
        "data +0.017500",
        "payable 0.017000",
        "66.67 %",
        "+0.012000 (0.007000 to 0.016000)",
        attestation.key_id[:16],
        "1 of 1",
        "Not signed for a chain",
    ):
        assert words in shown, words


def test_an_attestation_that_waits_says_for_what(engineer: Staff, project: Project) -> None:
    improvement = ImprovementFactory(comparison__benchmark__project=project)
    failed = JobFactory(
        kind="attestation", status="failed", project_id=project.pk, last_error="it expired"
    )
    pending = AttestationFactory(
        status="pending",
        improvement=improvement,
        job=failed,
        statement="",
        statement_id="",
        envelope={},
        key_id="",
        signed_at=None,
    )
    shown = page_of(engineer, pending)
    assert "Nothing was signed: it expired" in shown
    assert "Nothing is signed yet" in shown
    url = reverse("admin:contributions_attestation_sign_again", args=[pending.pk])
    engineer.client.post(url, SENT)
    failed.refresh_from_db()
    assert failed.status == "queued"


def test_a_reviewer_revokes_with_a_reason_and_an_engineer_does_not(
    engineer: Staff, attestation: Attestation, project: Project
) -> None:
    url = reverse("admin:contributions_attestation_revoke", args=[attestation.pk])
    assert engineer.client.post(url, {**SENT, "reason": "wrong"}).status_code == 403
    reviewer = staff_in(project, Role.REVIEWER)
    assert "cannot be undone" in reviewer.client.get(url).content.decode()
    reviewer.client.post(url, {**SENT, "reason": "Wrong labels."})
    assert attestation.revocation.reason == "Wrong labels."
    shown = page_of(reviewer, attestation)
    assert "waits for the signer" in shown
    assert "Revoke for good" not in shown


def test_an_owner_states_how_many_signers_are_needed(project: Project) -> None:
    owner = staff_in(project, Role.OWNER)
    keys = [SigningKeyFactory().key_id for _ in range(2)]
    made = owner.client.post(
        reverse("admin:contributions_signingpolicy_add"),
        {"project": project.pk, "key_ids": keys, "required": 2},
    )
    assert made.status_code == 302
    policy = SigningPolicy.objects.get(project=project)
    assert (policy.required, sorted(policy.key_ids)) == (2, sorted(keys))
    change = reverse("admin:contributions_signingpolicy_change_policy", args=[policy.pk])
    owner.client.post(change, {**SENT, "key_ids": keys, "required": 1})
    policy.refresh_from_db()
    assert policy.required == 1
    page = reverse("admin:contributions_signingpolicy_change", args=[policy.pk])
    assert "1 of 2 keys" in owner.client.get(page).content.decode()
    engineer = staff_in(project, Role.ENGINEER)
    assert engineer.client.post(change, {**SENT, "required": 1}).status_code == 403


def test_the_downloaded_envelope_verifies_by_itself(
    engineer: Staff, attestation: Attestation
) -> None:
    url = reverse("admin:contributions_attestation_envelope", args=[attestation.pk])
    answer = engineer.client.get(url)
    assert answer.content == encode_envelope(attestation.envelope)
    assert verify_attestation(answer.content, [PEM]).id == attestation.statement_id
    assert f"{attestation.statement_id}.dsse.json" in answer["Content-Disposition"]


def test_the_envelope_of_a_hidden_attestation_is_not_found(attestation: Attestation) -> None:
    other = staff_in(ProjectFactory(), Role.OWNER)
    url = reverse("admin:contributions_attestation_envelope", args=[attestation.pk])
    assert other.client.get(url).status_code == 404


def test_a_contribution_is_withdrawn_by_post(engineer: Staff, project: Project) -> None:
    contribution = ContributionFactory(
        model=ModelFactory(project=project), submitted_by=engineer.user
    )
    url = reverse("admin:contributions_contribution_withdraw", args=[contribution.pk])
    engineer.client.post(url, SENT)
    contribution.refresh_from_db()
    assert contribution.status == ContributionStatus.WITHDRAWN


def test_what_another_gave_is_not_withdrawn_and_that_is_told(
    engineer: Staff, project: Project
) -> None:
    contribution = ContributionFactory(model=ModelFactory(project=project))
    url = reverse("admin:contributions_contribution_withdraw", args=[contribution.pk])
    page = engineer.client.get(engineer.client.post(url, SENT)["HX-Redirect"])
    assert "withdrawn by whoever gave it" in page.content.decode()


def test_a_used_contribution_offers_no_withdrawal(engineer: Staff, project: Project) -> None:
    contribution = ContributionFactory(
        model=ModelFactory(project=project), status=ContributionStatus.USED
    )
    url = reverse("admin:contributions_contribution_change", args=[contribution.pk])
    assert engineer.client.get(url).context["actions_detail"] == []


def test_staff_submit_for_an_address(engineer: Staff, project: Project) -> None:
    model = ModelFactory(project=project)
    answer = engineer.client.post(
        reverse("admin:contributions_contribution_add"),
        {
            "model": model.pk,
            "address": ANNA,
            "file": SimpleUploadedFile("rows.csv", b"x,label\n1,0\n2,1\n"),
            "label_column": "label",
            "licence": "CC0-1.0",
        },
    )
    assert answer.status_code == 302, answer.context["form"].errors
    assert Contribution.objects.get().wallet.address == ANNA


def test_the_shares_of_an_improvement_are_drawn(engineer: Staff, project: Project) -> None:
    share = ShareFactory(improvement__comparison__benchmark__project=project)
    improvement = share.improvement
    url = reverse("admin:contributions_improvement_change", args=[improvement.pk])
    drawn = engineer.client.get(url).context["page"].panels[0].context["data"]
    assert drawn["values"] == [100.0]
