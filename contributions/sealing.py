"""Signatures over statements, made by a key that this process holds and checked at once."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.utils import timezone

from contributions.algorithms.chain_message import message_of
from contributions.exceptions import SigningRefused
from contributions.models import Attestation, SigningPolicy
from hokusai.core.canonical import canonical_bytes
from hokusai.signers.algorithms import dsse, eip712
from hokusai.signers.backends.signer import Signer
from hokusai.signers.choices import Purpose
from hokusai.signers.domains import chain_domain
from hokusai.signers.models import SigningKey
from hokusai.signers.services import signer_for, signers_for

Signatures = Sequence[tuple[str, str]]


def sealed(payload: bytes, signatures: Signatures, required: int = 1) -> dict[str, Any]:
    """The envelope of signatures by published keys, verified by the library and by our own gate.

    Raises SigningRefused where fewer than `required` hold.
    """
    keys = [dsse.load_public_key(pem) for pem in pems_of(name for name, _ in signatures)]
    try:
        envelope = dsse.envelope_of(payload, signatures)
        dsse.verify_with_library(envelope, keys, required)
        dsse.open_envelope(dsse.encode_envelope(envelope), keys)
    except dsse.EnvelopeError as error:
        raise SigningRefused(f"What was signed does not verify: {error}") from error
    return envelope


def pems_of(key_ids: Iterable[str]) -> list[str]:
    """The public keys of these ids, whatever became of them since."""
    found = SigningKey.objects.filter(key_id__in=set(key_ids), purpose=Purpose.ATTESTATION)
    return list(found.values_list("public_pem", flat=True))


def signed_once(statement: dict[str, Any], signer: Signer) -> tuple[str, str]:
    """The key's id and its signature in base64 over the statement's canonical bytes."""
    return dsse.signature_by(canonical_bytes(statement), signer)


def signed_for_chain(statement: dict[str, Any]) -> tuple[dict[str, Any], Signer | None]:
    """The same gain as EIP-712 typed data, signed, as JSON; {} and None without a key for it.

    Nothing is signed for a chain where nobody is credited. Raises SigningRefused for numbers that
    a chain cannot take, SignerUnusable, SignerUnavailable.
    """
    held = signers_for(Purpose.CHAIN)
    message = message_of(statement)
    if not held or message is None:
        return {}, None
    signer, domain = held[0], chain_domain()
    now = int(timezone.now().timestamp())
    try:
        signature = eip712.sign(domain, message, signer.sign_digest, now=now)
        digest = eip712.encode_digest(domain, message)
        made = eip712.typed_data(domain, message)
    except eip712.TypedDataError as error:
        raise SigningRefused(f"The chain's statement is not in form: {error}") from error
    return {
        "typed_data": made,
        "digest": f"0x{digest.hex()}",
        "signature": f"0x{signature.hex()}",
        "signer": signer.address,
        "key_id": signer.key_id,
    }, signer


def policy_of(attestation: Attestation) -> SigningPolicy | None:
    """How many of which keys the project asks for; None where it asks for any one."""
    return SigningPolicy.objects.filter(project=attestation.project).first()


def required_of(attestation: Attestation) -> int:
    """How many signatures an attestation needs."""
    policy = policy_of(attestation)
    return 1 if policy is None else policy.required


def signer_under(policy: SigningPolicy | None) -> Signer:
    """The key of this process that counts.

    Raises SigningRefused where the policy names none of them, SignerUnusable, SignerUnavailable.
    """
    first = signer_for(Purpose.ATTESTATION)
    if policy is None:
        return first
    listed = [key for key in signers_for(Purpose.ATTESTATION) if key.key_id in policy.key_ids]
    if not listed:
        raise SigningRefused("The project's signing policy names no key of this process.")
    return listed[0]
