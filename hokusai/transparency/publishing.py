"""Publishing the latest checkpoint, with its cosignatures, beyond the reach of the database."""

from django.conf import settings

from hokusai.transparency.algorithms.checkpoints import CheckpointText
from hokusai.transparency.algorithms.notes import NoteError, verified_text
from hokusai.transparency.exceptions import LogShrank
from hokusai.transparency.leaves import root_of_size
from hokusai.transparency.models import Checkpoint
from hokusai.transparency.policy import log_keys, log_origin
from hokusai.transparency.providers.targets import CheckpointTarget, target_of


def note_of(checkpoint: Checkpoint) -> str:
    """The signed note with the lines of all witnesses that cosigned it."""
    return checkpoint.note + "".join(each.line for each in checkpoint.cosignatures.all())


def published() -> CheckpointText | None:
    """What the target holds, as far as this log signed it; None for nothing.

    Raises StorageUnavailable.
    """
    target = _target()
    return _read(target.read()) if target else None


def publish() -> None:
    """Put the latest checkpoint at its place, unless it is there already. Safe to repeat.

    Raises LogShrank where a larger or another tree is published, StorageUnavailable.
    """
    target, checkpoint = _target(), Checkpoint.objects.first()
    if target is None or checkpoint is None:
        return
    note, present = note_of(checkpoint), target.read()
    if present == note:
        return
    if (before := _read(present)) is not None:
        _check_not_newer(before, checkpoint)
    target.write(note)


def _check_not_newer(before: CheckpointText, checkpoint: Checkpoint) -> None:
    """Two workers that publish at once may swap two notes for a moment; the next run mends it."""
    if before.size > checkpoint.size and not Checkpoint.objects.filter(size=before.size).exists():
        raise LogShrank(
            f"A checkpoint of {before.size} leaves is published; the log has {checkpoint.size}.",
            size=before.size,
        )
    if before.size <= checkpoint.size and before.root != root_of_size(before.size):
        raise LogShrank(
            f"Another tree of {before.size} leaves is published than the log's.", size=before.size
        )


def _target() -> CheckpointTarget | None:
    return target_of(settings.CHECKPOINT_PUBLISH, settings.CHECKPOINT_BUCKET)


def _read(note: str) -> CheckpointText | None:
    """The checkpoint in a note that one of our keys signed; None for anything else."""
    if not note:
        return None
    try:
        text = CheckpointText.of(verified_text(note, log_keys()))
    except NoteError:
        return None
    return text if text.origin == log_origin() else None
