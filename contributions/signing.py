"""Signing in the signer's process, the only one whose environment names the private key."""

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.utils import timezone

from contributions.algorithms import dsse
from contributions.algorithms.statement import StatementError, statement_id
from contributions.algorithms.verification import verify_attestation
from contributions.choices import AttestationStatus
from contributions.models import Attestation
from contributions.nodes import tell_of_attestation
from contributions.statements import statement_of
from hokusai.core.canonical import canonical_bytes
from hokusai.core.errors import DomainError, NotFound
from hokusai.core.events import SYSTEM, record
from hokusai.core.jobs import Work
from hokusai.signers.models import SigningKey
from registry.services import state_facts


class SigningRefused(DomainError):
    """The statement cannot be signed; nothing was."""

    code = "signing_refused"


def attest(work: Work) -> None:
    """Recompute the statement from stored rows, sign and verify it. Safe to repeat."""
    attestation = _attestation(work.job.subject)
    if attestation.status != AttestationStatus.PENDING:
        return
    key = load_signing_key()
    work.progress(30, "recomputing the statement")
    try:
        statement = statement_of(attestation.improvement)
    except StatementError as error:
        raise SigningRefused(f"The statement is not true of its rows: {error}") from error
    envelope = dsse.sign(canonical_bytes(statement), key)
    work.progress(70, "verifying the signature")
    verify_attestation(dsse.encode_envelope(envelope), [public_pem(key)])
    with work.result():
        signer = _published(key)
        if signer.compromised_at is not None:
            raise SigningRefused("The signing key is compromised; give the signer another one.")
        attestation.statement = canonical_bytes(statement).decode()
        attestation.statement_id = statement_id(statement)
        attestation.envelope, attestation.key_id = envelope, signer.key_id
        attestation.status = AttestationStatus.SIGNED
        attestation.signed_at = timezone.now()
        attestation.save()
        _announce(attestation)


def load_signing_key() -> Ed25519PrivateKey:
    """The private key that SIGNING_KEY_FILE names. Raises SigningRefused where there is none."""
    if not settings.SIGNING_KEY_FILE:
        raise SigningRefused("This process holds no signing key; the signer's queue does.")
    try:
        pem = Path(settings.SIGNING_KEY_FILE).read_bytes()
        key = serialization.load_pem_private_key(pem, password=None)
    except (OSError, TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise SigningRefused("The signing key cannot be read; see SIGNING_KEY_FILE.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningRefused("The signing key is no Ed25519 key.")
    return key


def public_pem(key: Ed25519PrivateKey) -> str:
    """The public half, as PEM."""
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def _published(key: Ed25519PrivateKey) -> SigningKey:
    row, _ = SigningKey.objects.get_or_create(
        key_id=dsse.key_id(key.public_key()), defaults={"public_pem": public_pem(key)}
    )
    return row


def _attestation(improvement: str) -> Attestation:
    found = (
        Attestation.objects.select_related(
            "improvement__comparison__benchmark__dataset_version",
            "improvement__candidate__model__project",
            "improvement__baseline__model__project",
            "improvement__model__project",
        )
        .filter(improvement__public_id=improvement)
        .first()
    )
    if found is None:
        raise NotFound("The improvement of this job is gone.")
    return found


def _announce(attestation: Attestation) -> None:
    tell_of_attestation(attestation)
    state_facts(
        version_id=attestation.improvement.candidate_id,
        facts={"attestation": attestation.statement_id},
    )
    record(
        "attestation:signed",
        subject=attestation.statement_id,
        actor=SYSTEM,
        project_id=attestation.project.pk,
        label=str(attestation.improvement),
        after={"key_id": attestation.key_id},
    )
