"""Signing in the signer's process, the only one whose environment names private keys.

Whoever signs believes no row: the decision is made again from the outcomes per row, the statement
is made again from the rows, and either has to agree. A project may ask for several signers; each
of them does all of this by itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from contributions.algorithms.addresses import InvalidAddress
from contributions.algorithms.improvement_rules import check_time
from contributions.algorithms.statement import StatementError, statement_id
from contributions.choices import AttestationStatus
from contributions.exceptions import SigningRefused
from contributions.models import Attestation, AttestationSignature, SigningPolicy
from contributions.nodes import tell_of_attestation
from contributions.recomputation import recompute
from contributions.sealing import (
    policy_of,
    required_of,
    sealed,
    signed_for_chain,
    signed_once,
    signer_under,
)
from contributions.statements import statement_of
from hokusai.core.canonical import canonical_bytes
from hokusai.core.errors import DomainError, NotFound
from hokusai.core.events import SYSTEM, record
from hokusai.core.jobs import Work
from hokusai.core.models import Job
from hokusai.signers.backends.signer import Signer
from hokusai.signers.choices import Purpose
from hokusai.signers.models import SigningKey
from hokusai.signers.services import admit, signer_for, signers_for
from hokusai.transparency import services as log
from hokusai.transparency.choices import RecordKind
from registry.services import state_facts

__all__ = ["SigningRefused", "attest", "attestation_refused", "cosign_pending"]


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement, one signature under it, and the same gain signed for a chain, if it is."""

    attestation: Attestation
    statement: dict[str, Any]
    signer: Signer
    signature: tuple[str, str]
    chain: dict[str, Any]
    chain_signer: Signer | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attestation that a further signer looked at."""

    attestation: Attestation
    signed: bool
    text: str


def attest(work: Work) -> None:
    """Recompute the statement from outcomes and rows, sign and log it. Safe to repeat."""
    attestation = _of_improvement(work.job.subject)
    if attestation.status != AttestationStatus.PENDING:
        return
    signer = signer_under(policy_of(attestation))
    work.progress(10, "deciding again from the outcomes per row")
    made = _made(attestation, signer)
    work.progress(80, "signing")
    with work.result():
        row = _kept(made)
        if row.status == AttestationStatus.PENDING:
            work.log(_missing(row))


def attestation_refused(job: Job, reason: str) -> None:
    """Record that nothing was signed, and why; the job may be tried again."""
    attestation = _with_rows().filter(improvement__public_id=job.subject).first()
    if attestation is None:
        return
    record(
        "attestation:refused",
        subject=attestation.improvement.public_id,
        actor=SYSTEM,
        project_id=attestation.project.pk,
        label=str(attestation.improvement),
        after={"reason": reason},
    )


def cosign_pending() -> list[Outcome]:
    """Sign every attestation that waits for a key of this process, each recomputed from its rows.

    Raises SignerUnusable where this process holds no key, SignerUnavailable.
    """
    held = [signer.key_id for signer in signers_for(Purpose.ATTESTATION)]
    if not held:
        signer_for(Purpose.ATTESTATION)
    waiting = _with_rows().filter(status=AttestationStatus.PENDING).order_by("pk")
    outcomes = []
    for attestation in waiting:
        policy = policy_of(attestation)
        listed = policy is not None and not set(held).isdisjoint(policy.key_ids)
        if listed and _may_go_on(attestation, held):
            outcomes.append(_cosigned(attestation, policy))
    return outcomes


def _may_go_on(attestation: Attestation, held: Sequence[str]) -> bool:
    """Whether a key of this process has not signed yet, or a changed policy asks for no more."""
    if not attestation.signatures.filter(key_id__in=held).exists():
        return True
    return len(_counted(attestation)) >= required_of(attestation)


def _cosigned(attestation: Attestation, policy: SigningPolicy | None) -> Outcome:
    try:
        made = _made(attestation, signer_under(policy))
        with transaction.atomic():
            row = _kept(made)
    except DomainError as error:
        return Outcome(attestation, False, str(error))
    complete = row.status == AttestationStatus.SIGNED
    return Outcome(row, True, "complete" if complete else _missing(row))


def _made(attestation: Attestation, signer: Signer) -> Signed:
    """Everything that needs no lock: recomputing, and the signatures. Raises SigningRefused."""
    _admitted([signer, *signers_for(Purpose.CHAIN)[:1]])
    recompute(attestation.improvement)
    try:
        statement = statement_of(attestation.improvement)
    except (StatementError, InvalidAddress, LookupError) as error:
        raise SigningRefused(f"The statement is not true of its rows: {error}") from error
    first = not attestation.statement
    if not first and attestation.statement != canonical_bytes(statement).decode():
        raise SigningRefused("The rows no longer say what the first signer signed.")
    chain, chain_signer = signed_for_chain(statement) if first else ({}, None)
    return Signed(
        attestation=attestation,
        statement=statement,
        signer=signer,
        signature=signed_once(statement, signer),
        chain=chain,
        chain_signer=chain_signer,
    )


@transaction.atomic
def _admitted(signers: Iterable[Signer]) -> None:
    """Every key is introduced before the statement names its time. Raises SignerUnusable."""
    for signer in signers:
        admit(signer=signer)


def _kept(made: Signed) -> Attestation:
    """Keep a signature and, once there are enough, complete the attestation."""
    row = Attestation.objects.select_for_update(of=("self",)).get(pk=made.attestation.pk)
    if row.status != AttestationStatus.PENDING:
        return row
    payload = canonical_bytes(made.statement)
    if row.statement and row.statement != payload.decode():
        raise SigningRefused("Another signer signed another statement meanwhile; try again.")
    admit(signer=made.signer)
    if not row.statement:
        _state(row, made)
    key_id, signature = made.signature
    _, new = AttestationSignature.objects.get_or_create(
        attestation=row, key_id=key_id, defaults={"signature": signature}
    )
    counted = _counted(row)
    if len(counted) >= required_of(row):
        _complete(row, made.statement, counted)
    elif new:
        _record(row, "attestation:cosigned", {"key_id": key_id, "signatures": len(counted)})
    return row


def _state(row: Attestation, made: Signed) -> None:
    """The first signature fixes the statement."""
    if made.chain_signer is not None:
        admit(signer=made.chain_signer)
    predicate = made.statement["predicate"]
    row.issued_at = check_time(predicate["issuedOn"])
    row.expires_at = check_time(predicate["expiresOn"])
    row.statement = canonical_bytes(made.statement).decode()
    row.statement_id = statement_id(made.statement)
    row.key_id, row.eip712 = made.signer.key_id, made.chain
    row.save(
        update_fields=[
            "issued_at",
            "expires_at",
            "statement",
            "statement_id",
            "key_id",
            "eip712",
        ]
    )


def _complete(
    row: Attestation, statement: dict[str, Any], signatures: Sequence[tuple[str, str]]
) -> None:
    row.envelope = sealed(canonical_bytes(statement), signatures, required_of(row))
    row.log_record = log.append(
        RecordKind.ATTESTATION,
        statement,
        subject=f"att_{row.statement_id}",
        key_id=row.key_id,
    )
    row.status, row.signed_at = AttestationStatus.SIGNED, timezone.now()
    row.save(update_fields=["envelope", "log_record", "status", "signed_at"])
    tell_of_attestation(row)
    state_facts(version_id=row.improvement.candidate_id, facts={"attestation": row.statement_id})
    _record(row, "attestation:signed", {"key_id": row.key_id, "signatures": len(signatures)})


def _counted(row: Attestation) -> list[tuple[str, str]]:
    """Signatures that count, the first one first: by keys the policy names, none compromised."""
    policy = policy_of(row)
    found = list(row.signatures.order_by("pk").values_list("key_id", "signature"))
    if policy is not None:
        found = [entry for entry in found if entry[0] in policy.key_ids]
    named = [name for name, _ in found]
    lost = SigningKey.objects.filter(key_id__in=named).exclude(compromised_at=None)
    gone = set(lost.values_list("key_id", flat=True))
    return [entry for entry in found if entry[0] not in gone]


def _missing(row: Attestation) -> str:
    return f"{len(_counted(row))} of {required_of(row)} signatures; waiting for further signers"


def _with_rows() -> Any:
    return Attestation.objects.select_related(
        "improvement__comparison__benchmark__dataset_version",
        "improvement__candidate__model__project",
        "improvement__baseline__model__project",
        "improvement__model__project",
    )


def _of_improvement(improvement: str) -> Attestation:
    found: Attestation | None = _with_rows().filter(improvement__public_id=improvement).first()
    if found is None:
        raise NotFound("The improvement of this job is gone.")
    return found


def _record(row: Attestation, tag: str, after: dict[str, Any]) -> None:
    record(
        tag,
        subject=row.statement_id,
        actor=SYSTEM,
        project_id=row.project.pk,
        label=str(row.improvement),
        after=after,
    )
