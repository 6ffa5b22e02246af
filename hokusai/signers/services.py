"""What people and the signer may ask about keys: introduce, retire, mark as compromised, use."""

from contextlib import suppress
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from hokusai.core.errors import Conflict, InvalidInput, NotFound
from hokusai.core.events import SYSTEM, Actor, record
from hokusai.core.jobs import enqueue
from hokusai.core.models import Job
from hokusai.signers.algorithms.public_keys import KeyInvalid, PublicHalf, read_pem
from hokusai.signers.backends.signer import Signer
from hokusai.signers.choices import ALGORITHM_OF, HELD, SIGNING, Algorithm, KeyState, Purpose
from hokusai.signers.exceptions import SignerUnusable
from hokusai.signers.holding import signer_for, signers_for
from hokusai.signers.models import SigningKey

__all__ = [
    "admit",
    "compromise_key",
    "introduce_key",
    "key_at",
    "request_rotation",
    "retire_key",
    "signer_for",
    "signers_for",
    "usable",
    "valid_keys",
]

_WHY = {
    KeyState.UPCOMING: "it is not valid before {key.valid_from:%Y-%m-%d %H:%M} UTC",
    KeyState.RETIRED: "it was retired at {key.valid_until:%Y-%m-%d %H:%M} UTC",
    KeyState.EXPIRED: "it expired at {key.valid_until:%Y-%m-%d %H:%M} UTC",
    KeyState.COMPROMISED: "it is compromised",
}


@transaction.atomic
def introduce_key(
    *,
    purpose: str,
    public_pem: str,
    actor: Actor,
    backend: str = "",
    valid_until: datetime | None = None,
    key_id: str = "",
) -> SigningKey:
    """Publish a key, valid from now on. `key_id` where its signatures name it in another way.

    Raises InvalidInput for a key that is none, of the wrong kind, or ending in the past; Conflict
    for one that is known.
    """
    now = timezone.now()
    half = _public(purpose, public_pem)
    if valid_until is not None and valid_until <= now:
        raise InvalidInput("A key that is introduced ends in the future.")
    try:
        with transaction.atomic():
            key = SigningKey.objects.create(
                key_id=key_id or half.key_id,
                algorithm=half.algorithm,
                purpose=Purpose(purpose),
                public_pem=half.public_pem,
                address=half.address,
                backend=backend,
                valid_from=now,
                valid_until=valid_until,
            )
    except IntegrityError as error:
        raise Conflict("This key is known already.") from error
    _record("key:introduced", key, actor, {})
    return key


@transaction.atomic
def request_rotation(*, purpose: str, actor: Actor) -> Job:
    """Ask the signer to introduce the key that it was given and to retire the one before it.

    Raises InvalidInput for a purpose whose keys are not held here, Conflict where it was asked for.
    """
    if purpose not in HELD:
        raise InvalidInput("Keys of this purpose are replaced where they are used.")
    label = Purpose(purpose).label
    job = enqueue("key_rotation", subject=purpose, project_id=None, label=f"the key for {label}")
    record(
        "key:rotation_requested",
        subject=job.public_id,
        actor=actor,
        project_id=None,
        label=f"key for {label}",
        after={"purpose": str(purpose)},
    )
    return job


@transaction.atomic
def retire_key(*, key_id: str, valid_until: datetime | None = None, actor: Actor) -> SigningKey:
    """State when a key signs no more, by default now; until then its successor is valid beside it.

    What it signed keeps counting. Raises NotFound; Conflict for one that is compromised or has
    ended; InvalidInput for an end in the past or after the one that was stated.
    """
    key, now = _locked(key_id), timezone.now()
    before = _facts(key)
    state = key.state_at(now)
    if state not in SIGNING:
        raise Conflict(f"The key is {state.label} already.")
    ends = valid_until or now
    if ends < now:
        raise InvalidInput("A key cannot have ended before now.")
    if key.valid_until is not None and ends > key.valid_until:
        raise InvalidInput("A key's end is brought forward, never put off.")
    key.valid_until, key.retired_at = ends, now
    key.save(update_fields=["valid_until", "retired_at"])
    _record("key:retired", key, actor, before)
    return key


@transaction.atomic
def compromise_key(
    *, key_id: str, from_index: int, log_size: int, reason: str, actor: Actor
) -> SigningKey:
    """State that somebody else may hold a key: from this index in the log it proves nothing.

    A later call may lower the index, never raise it. Raises NotFound; InvalidInput for an index
    beyond the log's size or no reason; Conflict for one not below the one that was stated.
    """
    key = _locked(key_id)
    before = _facts(key)
    if not reason.strip():
        raise InvalidInput("Say why; the reason stays on record.")
    if not 0 <= from_index <= log_size:
        raise InvalidInput(f"The log has {log_size} leaves; the index lies between 0 and that.")
    stated = key.compromised_from_index
    if stated is not None and from_index >= stated:
        raise Conflict(f"The key is compromised from index {stated} on already.")
    key.compromised_from_index = from_index
    key.compromised_at = key.compromised_at or timezone.now()
    key.save(update_fields=["compromised_from_index", "compromised_at"])
    _record("key:compromised", key, actor, before, reason=reason.strip(), log_size=log_size)
    return key


@transaction.atomic
def admit(*, signer: Signer) -> SigningKey:
    """The row of a signer's key, held until the transaction ends, if it may sign now.

    To be called in the transaction that keeps the signature. The first key of a purpose is
    introduced by its first use; every later one by a person. Raises SignerUnusable.
    """
    if not SigningKey.objects.of(signer.purpose).exists():
        # Another process with the same key may have done so a moment ago.
        with suppress(Conflict):
            introduce_key(
                purpose=signer.purpose,
                public_pem=signer.public_pem,
                backend=signer.backend.label,
                actor=SYSTEM,
            )
    key = SigningKey.objects.select_for_update().filter(key_id=signer.key_id).first()
    if key is None:
        raise SignerUnusable(
            f"The key {signer.key_id[:16]} that this process holds for {signer.purpose.label} "
            "was not introduced; an administrator does so by rotating the key.",
            key_id=signer.key_id,
        )
    if key.purpose != signer.purpose:
        raise SignerUnusable(f"The key {key} was introduced for {key.get_purpose_display()}.")
    return _checked(key, timezone.now())


def usable(key_id: str, at: datetime | None = None) -> SigningKey:
    """The key, if it may sign at a moment, or now.

    Raises NotFound; SignerUnusable with the reason for one that is not valid yet, expired, retired
    or compromised.
    """
    return _checked(key_at(key_id), at or timezone.now())


def valid_keys(purpose: str, at: datetime | None = None) -> list[SigningKey]:
    """The keys of a purpose that may sign at a moment, or now; the newest first."""
    return list(SigningKey.objects.of(Purpose(purpose)).valid_at(at or timezone.now()))


def key_at(key_id: str) -> SigningKey:
    """The key of an id, whatever its state. Raises NotFound."""
    key = SigningKey.objects.filter(key_id=key_id).first()
    if key is None:
        raise NotFound("No key has this id.", key_id=key_id)
    return key


def _checked(key: SigningKey, at: datetime) -> SigningKey:
    state = key.state_at(at)
    if state not in SIGNING:
        why = _WHY[state].format(key=key)
        raise SignerUnusable(f"The key {key} may not sign: {why}.", key_id=key.key_id)
    return key


def _public(purpose: str, public_pem: str) -> PublicHalf:
    try:
        half = read_pem(public_pem)
    except KeyInvalid as error:
        raise InvalidInput(str(error)) from error
    wanted = ALGORITHM_OF[Purpose(purpose)]
    if half.algorithm != wanted:
        label = Purpose(purpose).label
        found = Algorithm(half.algorithm).label
        raise InvalidInput(f"A key for {label} is {wanted.label}, not {found}.")
    return half


def _locked(key_id: str) -> SigningKey:
    key = SigningKey.objects.select_for_update().filter(key_id=key_id).first()
    if key is None:
        raise NotFound("No key has this id.", key_id=key_id)
    return key


def _facts(key: SigningKey) -> dict[str, Any]:
    return {
        "purpose": key.purpose,
        "algorithm": key.algorithm,
        "address": key.address,
        "valid_from": key.valid_from.isoformat(),
        "valid_until": key.valid_until and key.valid_until.isoformat(),
        "retired_at": key.retired_at and key.retired_at.isoformat(),
        "compromised_from_index": key.compromised_from_index,
    }


def _record(tag: str, key: SigningKey, actor: Actor, before: dict[str, Any], **more: Any) -> None:
    record(
        tag,
        subject=key.public_id,
        actor=actor,
        project_id=None,
        label=f"key {key} for {key.get_purpose_display()}",
        before=before,
        after={**_facts(key), **more},
    )
