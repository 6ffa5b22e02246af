"""Taking an attestation back: asked for by a person, signed by the signer, kept in the log."""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from contributions.algorithms.statement import statement_id, validate_statement, written_time
from contributions.algorithms.statement_rules import REVOCATION_TYPE
from contributions.choices import AttestationStatus
from contributions.models import Attestation, Revocation
from contributions.sealing import policy_of, sealed, signed_once, signer_under
from hokusai.core import jobs
from hokusai.core.canonical import canonical_bytes
from hokusai.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from hokusai.core.events import SYSTEM, Actor, record
from hokusai.core.jobs import Work
from hokusai.core.models import Job
from hokusai.signers.backends.signer import Signer
from hokusai.signers.services import admit
from hokusai.transparency import services as log
from hokusai.transparency.choices import RecordKind

MAX_REASON = 2000


@transaction.atomic
def request_revocation(*, attestation_id: int, reason: str, actor: Actor) -> Revocation:
    """Ask the signer to take an attestation back, for good.

    From now on it counts for no promotion. Raises InvalidInput without a reason, Conflict for an
    attestation that is not complete or whose revocation was asked for.
    """
    attestation = Attestation.objects.select_for_update(of=("self",)).get(pk=attestation_id)
    if actor.user_id is None:
        raise Forbidden("An attestation is revoked by a person.")
    reason = reason.strip()
    if not reason or len(reason) > MAX_REASON:
        raise InvalidInput(f"Say why in 1 to {MAX_REASON} letters; it becomes public.")
    if attestation.status == AttestationStatus.PENDING:
        raise Conflict("It is not signed yet; there is nothing to revoke.")
    if Revocation.objects.filter(attestation=attestation).exists():
        raise Conflict("Its revocation was asked for already.")
    revocation = Revocation.objects.create(
        attestation=attestation, reason=reason, requested_by_id=actor.user_id
    )
    revocation.job = jobs.enqueue(
        "revocation",
        subject=revocation.public_id,
        project_id=attestation.project.pk,
        label=str(attestation.improvement),
    )
    revocation.save(update_fields=["job"])
    _record("revocation:requested", revocation, actor, {"reason": reason})
    return revocation


def revoke(work: Work) -> None:
    """Sign the revocation and log it. Safe to repeat. Raises SignerUnusable, SigningRefused."""
    revocation = _revocation(work.job.subject)
    if revocation.log_record_id is not None:
        return
    signer = signer_under(policy_of(revocation.attestation))
    _admitted(signer)
    statement = statement_of_revocation(revocation)
    signature = signed_once(statement, signer)
    with work.result():
        admit(signer=signer)
        _keep(revocation, statement, signature)


def revocation_refused(job: Job, reason: str) -> None:
    """Record that the revocation was not signed; the job may be tried again."""
    revocation = _with_rows().filter(public_id=job.subject).first()
    if revocation is not None:
        _record("revocation:refused", revocation, SYSTEM, {"reason": reason})


def statement_of_revocation(revocation: Revocation) -> dict[str, Any]:
    """What is signed: which attestation, why, when, by whom."""
    statement = {
        "_type": REVOCATION_TYPE,
        "attestation": {"sha256": revocation.attestation.statement_id},
        "reason": revocation.reason,
        "issuedOn": written_time(timezone.now()),
        "issuer": {
            "instance": settings.INSTANCE_NAME,
            "environment": settings.ENVIRONMENT_NAME,
        },
    }
    validate_statement(statement, REVOCATION_TYPE)
    return statement


@transaction.atomic
def _admitted(signer: Signer) -> None:
    admit(signer=signer)


def _keep(revocation: Revocation, statement: dict[str, Any], signature: tuple[str, str]) -> None:
    attestation = Attestation.objects.select_for_update(of=("self",)).get(
        pk=revocation.attestation_id
    )
    payload = canonical_bytes(statement)
    revocation.statement = payload.decode()
    revocation.envelope = sealed(payload, [signature])
    revocation.signed_at = timezone.now()
    revocation.log_record = log.append(
        RecordKind.REVOCATION,
        statement,
        subject=f"att_{attestation.statement_id}",
        key_id=signature[0],
        previous=attestation.statement_id,
    )
    revocation.save(update_fields=["statement", "envelope", "signed_at", "log_record"])
    attestation.status = AttestationStatus.REVOKED
    attestation.save(update_fields=["status"])
    after = {"reason": revocation.reason, "statement": statement_id(statement)}
    _record("attestation:revoked", revocation, SYSTEM, after)


def _revocation(public_id: str) -> Revocation:
    found: Revocation | None = _with_rows().filter(public_id=public_id).first()
    if found is None:
        raise NotFound("The revocation of this job is gone.")
    return found


def _with_rows() -> Any:
    return Revocation.objects.select_related(
        "attestation__improvement__model__project",
        "attestation__improvement__candidate__model",
        "attestation__improvement__baseline",
    )


def _record(tag: str, revocation: Revocation, actor: Actor, after: dict[str, Any]) -> None:
    attestation = revocation.attestation
    record(
        tag,
        subject=attestation.statement_id,
        actor=actor,
        project_id=attestation.project.pk,
        label=str(attestation.improvement),
        after=after,
    )
