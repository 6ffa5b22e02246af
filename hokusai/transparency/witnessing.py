"""Collecting the cosignatures of witnesses for the latest checkpoint."""

from datetime import UTC, datetime
from functools import partial

from django.conf import settings
from django.db.models import Max

from hokusai.transparency.algorithms.notes import (
    NoteError,
    cosigned_at,
    opened,
    parsed_lines,
)
from hokusai.transparency.algorithms.tree import consistency_path, hashes_of
from hokusai.transparency.exceptions import LogShrank, WitnessRefused
from hokusai.transparency.leaves import read_paths
from hokusai.transparency.models import Checkpoint, Cosignature
from hokusai.transparency.policy import Witness, witnesses
from hokusai.transparency.providers.witness import WitnessBehind, add_checkpoint
from hokusai.transparency.troubles import watched

# Beyond the years that datetime knows.
_LAST_SECOND = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())


def collect_cosignatures() -> None:
    """Ask every witness that has not cosigned the latest checkpoint; one's failure is its own."""
    checkpoint = Checkpoint.objects.first()
    if checkpoint is None:
        return
    have = set(checkpoint.cosignatures.values_list("witness", flat=True))
    for witness in witnesses():
        if witness.name not in have:
            watched(source_of(witness.name), partial(cosign, checkpoint, witness))


def source_of(name: str) -> str:
    """What the trouble with a witness is kept under."""
    return f"witness {name}"


def cosign(checkpoint: Checkpoint, witness: Witness) -> None:
    """Ask one witness and keep its line. Safe to repeat.

    Raises LogShrank where it saw more leaves than the log has, WitnessRefused, WitnessUnavailable.
    """
    own = Cosignature.objects.filter(witness=witness.name)
    seen: int = own.aggregate(size=Max("checkpoint"))["size"] or 0
    if seen > checkpoint.size:
        return
    try:
        answer = _ask(checkpoint, witness, seen)
    except WitnessBehind as behind:
        if behind.size > checkpoint.size:
            _check_newer(checkpoint, witness, behind.size)
            return
        answer = _ask(checkpoint, witness, behind.size)
    _keep(checkpoint, witness, answer)


def _ask(checkpoint: Checkpoint, witness: Witness, old: int) -> str:
    path = consistency_path(old, checkpoint.size) if old else []
    return add_checkpoint(
        witness.url,
        old=old,
        proof=hashes_of(path, read_paths(path)),
        note=checkpoint.note,
        timeout_s=settings.WITNESS_TIMEOUT_S,
    )


def _check_newer(checkpoint: Checkpoint, witness: Witness, size: int) -> None:
    """A newer checkpoint may have reached it meanwhile; one that we do not have is our loss."""
    if not Checkpoint.objects.filter(size=size).exists():
        raise LogShrank(
            f"The witness {witness.name} saw {size} leaves; the log states {checkpoint.size}.",
            size=size,
        )


def _keep(checkpoint: Checkpoint, witness: Witness, answer: str) -> None:
    try:
        text, _ = opened(checkpoint.note)
        lines = [line for line in parsed_lines(answer) if line.by(witness.key)]
        if not lines:
            raise WitnessRefused("The witness answered no line of its key.")
        time_s = cosigned_at(text, lines[0], witness.key)
    except NoteError as error:
        raise WitnessRefused(f"What the witness answered does not hold: {error}") from error
    if time_s > _LAST_SECOND:
        raise WitnessRefused("The witness' clock is beyond all years.")
    Cosignature.objects.get_or_create(
        checkpoint=checkpoint,
        witness=witness.name,
        defaults={"line": str(lines[0]), "seen_at": datetime.fromtimestamp(time_s, UTC)},
    )
