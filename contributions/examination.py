"""Checking an attestation the way a stranger would, one check after the other.

A check holds, fails, or cannot be made yet: what waits for the log is no failure.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from django.utils import timezone

from contributions.algorithms.chain_message import message_of
from contributions.algorithms.statement import StatementError, validate_statement
from contributions.algorithms.statement_rules import PREDICATE_TYPE
from contributions.choices import AttestationStatus
from contributions.exceptions import SigningRefused
from contributions.models import Attestation
from contributions.recomputation import recompute
from contributions.sealing import pems_of, policy_of, required_of
from contributions.statements import statement_of
from contributions.status_lists import entry_and_proof
from hokusai.core.canonical import CanonicalError, canonical_bytes, parse_canonical, sha256_hex
from hokusai.core.errors import Conflict, DomainError
from hokusai.core.merkle import leaf_hash
from hokusai.signers.algorithms import dsse, eip712
from hokusai.signers.algorithms.eip712_rules import Domain
from hokusai.signers.models import SigningKey
from hokusai.storage.base import StorageUnavailable
from hokusai.transparency import services as log
from hokusai.transparency.algorithms.checkpoints import CheckpointText
from hokusai.transparency.algorithms.notes import NoteError, verified_text
from hokusai.transparency.algorithms.proofs import ProofError, verify_inclusion
from hokusai.transparency.leaves import leaf_bytes_of
from hokusai.transparency.models import Checkpoint, LogLeaf
from hokusai.transparency.policy import log_keys

# Beyond that, repeating 10,000 resamples takes longer than anybody waits for a page.
MOST_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Check:
    """One check: `holds` is None where it cannot be made yet, or does not apply."""

    code: str
    title: str
    holds: bool | None
    text: str


@dataclass(frozen=True, slots=True)
class Examination:
    """All checks of one attestation."""

    checks: tuple[Check, ...]

    @property
    def holds(self) -> bool:
        """Nothing failed."""
        return all(check.holds is not False for check in self.checks)

    @property
    def complete(self) -> bool:
        """Every check was made, and holds."""
        return all(check.holds for check in self.checks)


@dataclass(frozen=True, slots=True)
class LogProof:
    """The way from an attestation's leaf to the root that a checkpoint states; hashes in hex."""

    index: int
    size: int
    leaf: dict[str, Any]
    hashes: list[str]
    root: str
    checkpoint: str


class _Fails(Exception):
    """The check fails, for this reason."""


class _Waits(Exception):
    """The check cannot be made yet, for this reason."""


def examine(attestation: Attestation) -> Examination:
    """Make every check. Reads rows and outcomes; changes nothing."""
    made: list[Check] = []
    for code, title, check in _CHECKS:
        try:
            made.append(Check(code, title, True, check(attestation)))
        except _Fails as error:
            made.append(Check(code, title, False, str(error)))
        except _Waits as error:
            made.append(Check(code, title, None, str(error)))
    return Examination(tuple(made))


def proof_of(attestation: Attestation) -> LogProof:
    """Prove that an attestation is in the log. Raises Conflict while no checkpoint covers it."""
    record, leaf, checkpoint = (
        attestation.log_record,
        _leaf_of(attestation),
        log.latest_checkpoint(),
    )
    if record is None or leaf is None or checkpoint is None or leaf.index >= checkpoint.size:
        raise Conflict("No checkpoint covers it yet; ask again after the next one.")
    proof = log.inclusion(leaf.index, checkpoint.size)
    return LogProof(
        index=leaf.index,
        size=checkpoint.size,
        leaf=orjson.loads(leaf_bytes_of(record)),
        hashes=[hashed.hex() for hashed in proof.hashes],
        root=checkpoint.root,
        checkpoint=log.note_of(checkpoint),
    )


def _statement(attestation: Attestation) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(attestation.statement)
    return found


def _check_form(attestation: Attestation) -> str:
    try:
        payload = attestation.statement.encode()
        validate_statement(parse_canonical(payload))
    except (StatementError, CanonicalError) as error:
        raise _Fails(str(error)) from error
    if sha256_hex(payload) != attestation.statement_id:
        raise _Fails("The id is not the digest of the statement.")
    return "Canonical, as its schema says, and every sum in it holds."


def _check_signatures(attestation: Attestation) -> str:
    envelope = attestation.envelope
    names = [entry["keyid"] for entry in envelope.get("signatures", ())]
    keys = [dsse.load_public_key(pem) for pem in pems_of(names)]
    required = required_of(attestation)
    try:
        opened = dsse.open_envelope(dsse.encode_envelope(envelope), keys)
        dsse.verify_with_library(envelope, keys, len(names))
    except (dsse.EnvelopeError, CanonicalError) as error:
        raise _Fails(str(error)) from error
    if opened.payload != attestation.statement.encode():
        raise _Fails("The envelope holds another statement than the one shown here.")
    policy = policy_of(attestation)
    counted = [n for n in opened.key_ids if policy is None or n in policy.key_ids]
    if len(counted) < required:
        raise _Fails(f"{len(counted)} of the {required} signatures that the project asks for.")
    return f"{len(counted)} of {required} by {', '.join(name[:12] for name in counted)}."


def _check_keys(attestation: Attestation) -> str:
    names = [entry["keyid"] for entry in attestation.envelope.get("signatures", ())]
    leaf = _leaf_of(attestation)
    index = leaf.index if leaf else None
    for key in SigningKey.objects.filter(key_id__in=names):
        if not key.vouches_for(index):
            raise _Fails(f"The key {key} is compromised from entry {key.compromised_from_index}.")
        signed = attestation.signed_at
        ended = key.valid_until is not None and signed is not None and signed > key.valid_until
        if ended or (signed is not None and signed < key.valid_from):
            raise _Fails(f"The key {key} was not valid when it signed.")
    return "Valid when they signed, and not compromised since."


def _check_rows(attestation: Attestation) -> str:
    if _statement(attestation).get("predicateType") != PREDICATE_TYPE:
        raise _Waits("Signed in an earlier form, which is not made again.")
    try:
        again = canonical_bytes(statement_of(attestation.improvement))
    except (StatementError, DomainError, ValueError, LookupError) as error:
        raise _Fails(f"The rows contradict each other: {error}") from error
    if again != attestation.statement.encode():
        raise _Fails("The rows say something else now.")
    return "Made again from the rows, byte for byte."


def _check_decision(attestation: Attestation) -> str:
    statement = _statement(attestation)
    if statement.get("predicateType") != PREDICATE_TYPE:
        raise _Waits("Signed in an earlier form; its outcomes are not committed to.")
    if statement["predicate"]["benchmark"]["sampleCount"] > MOST_ROWS:
        raise _Waits("Too many rows to repeat while you wait; the bundle repeats it anywhere.")
    try:
        recompute(attestation.improvement)
    except SigningRefused as error:
        raise _Fails(str(error)) from error
    except StorageUnavailable as error:
        raise _Waits(f"The outcomes cannot be read now: {error}") from error
    return "Decided again from the outcomes per row: the same numbers, the same verdict."


def _leaf_of(attestation: Attestation) -> LogLeaf | None:
    return LogLeaf.objects.filter(record=attestation.log_record_id).first()


def _checkpoint() -> Checkpoint:
    found = log.latest_checkpoint()
    if found is None:
        raise _Waits("The log has no signed checkpoint yet.")
    return found


def _check_log(attestation: Attestation) -> str:
    record, leaf = attestation.log_record, _leaf_of(attestation)
    if record is None:
        raise _Waits("Signed before there was a log.")
    if record.digest != attestation.statement_id or record.key_id != attestation.key_id:
        raise _Fails("The record in the log is about something else.")
    if leaf is None:
        raise _Waits("The sequencer has not given it a place yet.")
    checkpoint = _checkpoint()
    if leaf.index >= checkpoint.size:
        raise _Waits(f"Entry {leaf.index}; the next checkpoint will cover it.")
    proof = log.inclusion(leaf.index, checkpoint.size)
    try:
        verify_inclusion(
            index=leaf.index,
            size=checkpoint.size,
            leaf_hash=leaf_hash(leaf_bytes_of(record)),
            proof=proof.hashes,
            root=bytes.fromhex(checkpoint.root),
        )
    except ProofError as error:
        raise _Fails(str(error)) from error
    return f"Entry {leaf.index} of the {checkpoint.size} that the checkpoint covers."


def _check_checkpoint(attestation: Attestation) -> str:
    checkpoint = _checkpoint()
    try:
        text = CheckpointText.of(verified_text(log.note_of(checkpoint), log_keys()))
    except NoteError as error:
        raise _Fails(str(error)) from error
    if (text.size, text.root.hex()) != (checkpoint.size, checkpoint.root):
        raise _Fails("The signed note states another tree.")
    return f"Signed by the log's key over {text.size} entries."


def _check_status(attestation: Attestation) -> str:
    if attestation.status == AttestationStatus.REVOKED:
        raise _Fails("It was revoked.")
    expires = attestation.expires_at
    if expires is not None and expires <= timezone.now():
        raise _Fails(f"It expired at {expires:%Y-%m-%d %H:%M} UTC.")
    found = entry_and_proof(attestation)
    if found is None:
        raise _Waits("No status list names it yet.")
    if found.status != "valid":
        raise _Fails(f"Status list {found.list.number} calls it {found.status}.")
    return f"Valid, not revoked as of status list {found.list.number}."


def _check_chain(attestation: Attestation) -> str:
    made = attestation.eip712
    if not made:
        raise _Waits("Not signed for a chain.")
    message, fields = made["typed_data"]["message"], made["typed_data"]["domain"]
    domain = Domain(fields["chainId"], fields.get("verifyingContract", ""), fields.get("salt", ""))
    try:
        signer = eip712.recover(domain, message, bytes.fromhex(made["signature"][2:]))
    except (eip712.TypedDataError, ValueError) as error:
        raise _Fails(str(error)) from error
    if signer != made["signer"] or message != message_of(_statement(attestation)):
        raise _Fails("The signature for a chain is about something else.")
    if not SigningKey.objects.filter(address=signer, purpose="chain").exists():
        raise _Fails(f"No key of this instance has the address {signer}.")
    return f"Recovered {signer} from the typed data."


_CHECKS: tuple[tuple[str, str, Callable[[Attestation], str]], ...] = (
    ("form", "Form and sums", _check_form),
    ("signatures", "Signatures", _check_signatures),
    ("keys", "Keys", _check_keys),
    ("rows", "Made again from the rows", _check_rows),
    ("decision", "Decided again from the outcomes", _check_decision),
    ("log", "In the transparency log", _check_log),
    ("checkpoint", "Checkpoint", _check_checkpoint),
    ("status", "Status", _check_status),
    ("chain", "Signature for a chain", _check_chain),
)
