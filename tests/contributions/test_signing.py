from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from django.utils import timezone
from pytest_django import Settings

from contributions import services, signing
from contributions.algorithms import dsse
from contributions.algorithms.dsse import EnvelopeError
from contributions.algorithms.verification import verify_attestation
from contributions.models import Attestation, Improvement
from contributions.statements import statement_of
from experiments.models import Comparison
from hokusai.accounts.services import actor_of
from hokusai.core import jobs
from hokusai.core.canonical import canonical_bytes, sha256_hex
from hokusai.core.events import SYSTEM
from hokusai.core.models import Event, Job
from hokusai.core.services import retry_job
from hokusai.signers.models import SigningKey
from registry.models import LineageEdge
from tests.contributions.world import give, measured
from tests.factories import UserFactory
from tests.measuring import Bench, Workshop, bench, settle, table, work

pytestmark = pytest.mark.django_db
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = signing.public_pem(KEY)


def private_pem(
    key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey = KEY,
    encryption: KeySerializationEncryption | None = None,
) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


@pytest.fixture
def signer(settings: Settings, tmp_path: Path) -> Callable[[bytes], None]:
    """Gives this process a key file with the bytes."""

    def give_key(content: bytes) -> None:
        path = tmp_path / "signing.pem"
        path.write_bytes(content)
        settings.SIGNING_KEY_FILE = str(path)

    return give_key


@pytest.fixture
def of(measuring: Workshop) -> Bench:
    return bench(guardrails=[{"metric": "log_loss", "margin_ppm": 50_000}])


@pytest.fixture
def improvement(of: Bench, measuring: Workshop) -> Improvement:
    """An improvement that was really measured, with two people's shares, not yet signed."""
    comparison, _, _ = measured(of, measuring)
    assert comparison.status == "accepted"
    found = services.record_improvement(comparison_id=comparison.pk, actor=SYSTEM)
    assert found is not None
    return Improvement.objects.get(pk=found.pk)


def sign(improvement: Improvement) -> tuple[Attestation, Job]:
    job = work(improvement.attestation.job)
    return Attestation.objects.get(improvement=improvement), job


def test_a_signed_statement_is_verified_with_the_public_key_alone(
    improvement: Improvement, signer: Callable[[bytes], None]
) -> None:
    signer(private_pem())
    attestation, job = sign(improvement)
    assert (attestation.status, job.status) == ("signed", "succeeded")
    verified = verify_attestation(dsse.encode_envelope(attestation.envelope), [PUBLIC])
    assert verified.id == attestation.statement_id == sha256_hex(attestation.statement.encode())
    assert verified.key_ids == (attestation.key_id,)
    assert verified.candidate_digest == improvement.candidate.tree_digest
    assert verified.baseline_digest == improvement.baseline.tree_digest
    assert (verified.metric, verified.delta) == ("accuracy", improvement.delta_ppm)
    assert sorted(verified.shares.values()) == [5_000, 5_000]
    assert SigningKey.objects.get().public_pem == PUBLIC


def test_an_accepted_comparison_leads_to_a_signature_without_anybody_asking(
    of: Bench, measuring: Workshop, signer: Callable[[bytes], None]
) -> None:
    signer(private_pem())
    comparison, anna, ben = measured(of, measuring)
    settle()
    improvement = Improvement.objects.get(comparison=comparison)
    assert improvement.attestation.status == "signed"
    points = dict(improvement.shares.values_list("contribution", "basis_points"))
    assert points == {anna.pk: 5_000, ben.pk: 5_000}
    assert improvement.model.head == comparison.candidate


def test_the_statement_is_made_again_from_stored_rows_byte_for_byte(
    improvement: Improvement, signer: Callable[[bytes], None], of: Bench
) -> None:
    signer(private_pem())
    attestation, _ = sign(improvement)
    of.project.name, of.model.name, of.benchmark.name = "Renamed", "Renamed", "Renamed"
    for row in (of.project, of.model, of.benchmark):
        row.save()
    again = canonical_bytes(statement_of(Improvement.objects.get(pk=improvement.pk)))
    assert again == attestation.statement.encode()
    # Ed25519 is deterministic: the same rows under the same key are the same envelope.
    assert dsse.sign(again, KEY) == attestation.envelope


def test_a_signature_is_told_to_lineage_tags_and_the_record(
    improvement: Improvement, signer: Callable[[bytes], None]
) -> None:
    signer(private_pem())
    attestation, _ = sign(improvement)
    tag = improvement.candidate.tags.get(key="hokusai.attestation")
    assert tag.value == attestation.statement_id
    event = Event.objects.get(tag="attestation:signed")
    assert event.after == {"key_id": attestation.key_id}
    assert LineageEdge.objects.filter(
        src__public_id=improvement.public_id, kind="attested"
    ).exists()


def test_no_byte_of_an_envelope_can_change(
    improvement: Improvement, signer: Callable[[bytes], None]
) -> None:
    signer(private_pem())
    envelope = dsse.encode_envelope(sign(improvement)[0].envelope)
    for place in range(0, len(envelope), 101):
        broken = bytearray(envelope)
        broken[place] ^= 1
        with pytest.raises((EnvelopeError, ValueError)):
            verify_attestation(bytes(broken), [PUBLIC])
    stranger = signing.public_pem(Ed25519PrivateKey.generate())
    with pytest.raises(EnvelopeError):
        verify_attestation(envelope, [stranger])


def test_without_a_key_nothing_is_signed_and_a_retry_with_one_signs(
    improvement: Improvement, signer: Callable[[bytes], None], settings: Settings
) -> None:
    settings.SIGNING_KEY_FILE = ""
    attestation, job = sign(improvement)
    assert (attestation.status, job.status) == ("pending", "failed")
    assert "holds no signing key" in job.last_error
    assert not SigningKey.objects.exists()
    signer(private_pem())
    retry_job(job_id=job.pk, actor=actor_of(UserFactory()))
    assert sign(improvement)[0].status == "signed"


def test_a_compromised_key_signs_nothing(
    improvement: Improvement, signer: Callable[[bytes], None]
) -> None:
    signer(private_pem())
    SigningKey.objects.create(
        key_id=dsse.key_id(KEY.public_key()),
        public_pem=PUBLIC,
        compromised_at=timezone.now() - timedelta(days=1),
        compromised_from_index=0,
    )
    attestation, job = sign(improvement)
    assert (attestation.status, attestation.envelope) == ("pending", {})
    assert "compromised" in job.last_error
    assert not Event.objects.filter(tag="attestation:signed").exists()
    signer(private_pem(Ed25519PrivateKey.generate()))
    retry_job(job_id=job.pk, actor=actor_of(UserFactory()))
    assert sign(improvement)[0].status == "signed"


def test_rows_that_contradict_each_other_are_not_signed(
    improvement: Improvement, signer: Callable[[bytes], None]
) -> None:
    signer(private_pem())
    Comparison.objects.filter(pk=improvement.comparison_id).update(reason="regression")
    attestation, job = sign(improvement)
    assert attestation.status == "pending"
    assert "not true of its rows" in job.last_error


def test_signing_twice_is_the_same_as_once(
    improvement: Improvement, signer: Callable[[bytes], None]
) -> None:
    signer(private_pem())
    before, job = sign(improvement)
    Job.objects.filter(pk=job.pk).update(status="queued")
    after, _ = sign(improvement)
    assert (after.envelope, after.signed_at) == (before.envelope, before.signed_at)
    assert Event.objects.filter(tag="attestation:signed").count() == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        PUBLIC.encode(),
        private_pem(encryption=BestAvailableEncryption(b"secret")),
        private_pem(ec.generate_private_key(ec.SECP256R1())),
    ],
    ids=["empty", "damaged", "public", "encrypted", "another kind"],
)
def test_a_file_that_is_no_signing_key_is_refused_without_its_content(
    signer: Callable[[bytes], None], content: bytes
) -> None:
    signer(content)
    with pytest.raises(signing.SigningRefused) as caught:
        signing.load_signing_key()
    assert "BEGIN" not in str(caught.value)


def test_a_key_file_that_is_not_there_is_refused(settings: Settings, tmp_path: Path) -> None:
    settings.SIGNING_KEY_FILE = str(tmp_path / "absent.pem")
    with pytest.raises(signing.SigningRefused, match="cannot be read"):
        signing.load_signing_key()


def test_a_job_whose_improvement_is_gone_ends_with_that_reason() -> None:
    job = work(jobs.enqueue("attestation", subject="imp_0", project_id=None))
    assert job.status == "failed"
    assert "gone" in job.last_error


def test_a_candidate_made_of_nothing_new_is_credited_to_nobody(
    of: Bench, measuring: Workshop
) -> None:
    baseline = of.version(measuring.model("baseline"))
    copied = give(of, table(slice(1500, 1510)))
    baseline.training_data.add(copied.dataset_version)
    candidate = of.version(measuring.model("honest"), copied.dataset_version, parent=baseline)
    comparison = of.compare(baseline, candidate)
    assert comparison.status == "accepted"
    found = services.record_improvement(comparison_id=comparison.pk, actor=SYSTEM)
    assert found is not None
    assert not found.shares.exists()
    assert not Attestation.objects.exists()
