"""Signing checkpoints, in the signer's process: only a tree that follows from those before."""

from django.db import transaction

from hokusai.core import doorbell
from hokusai.signers.choices import Purpose
from hokusai.signers.services import admit, signer_for
from hokusai.transparency.algorithms.checkpoints import CheckpointText
from hokusai.transparency.algorithms.notes import signed_line
from hokusai.transparency.algorithms.proofs import ProofError, verify_consistency
from hokusai.transparency.algorithms.tree import consistency_path, hashes_of
from hokusai.transparency.exceptions import LogShrank
from hokusai.transparency.leaves import read_paths, root_of_size, tree_size
from hokusai.transparency.models import Checkpoint
from hokusai.transparency.policy import log_key, log_origin
from hokusai.transparency.publishing import published


def sign_checkpoint() -> None:
    """Sign the tree as it is, if it grew. Safe to repeat, also at once.

    Raises LogShrank, SignerUnusable, SignerUnavailable, StorageUnavailable.
    """
    size, last = tree_size(), Checkpoint.objects.first()
    stated = CheckpointText(log_origin(), size, _root(size))
    if last is not None:
        check_follows(CheckpointText(log_origin(), last.size, bytes.fromhex(last.root)), stated)
    if size == (last.size if last else 0):
        return
    if (elsewhere := published()) is not None:
        check_follows(elsewhere, stated)
    _sign(stated)


def check_follows(before: CheckpointText, now: CheckpointText) -> None:
    """Raises LogShrank unless the tree begins with the one that was stated before."""
    if now.size < before.size:
        raise LogShrank(
            f"The log has {now.size} leaves, and a checkpoint states {before.size}.",
            size=before.size,
        )
    path = consistency_path(before.size, now.size) if before.size else []
    try:
        hashes = hashes_of(path, read_paths(path))
        if before.size:
            verify_consistency(
                first=before.size,
                second=now.size,
                first_root=before.root,
                second_root=now.root,
                proof=hashes,
            )
    except (ProofError, KeyError) as error:
        raise LogShrank(
            f"The log does not begin with the {before.size} leaves that a checkpoint states.",
            size=before.size,
        ) from error


def _root(size: int) -> bytes:
    try:
        return root_of_size(size)
    except KeyError as error:
        raise LogShrank("Nodes of the tree are missing.", size=size) from error


def _sign(stated: CheckpointText) -> None:
    text = str(stated)
    signer = signer_for(Purpose.LOG)
    signature = signer.sign(text.encode())
    note = f"{text}\n{signed_line(log_key(signer.public_pem), signature)}"
    with transaction.atomic():
        key = admit(signer=signer)
        # No event: it would be sealed, and the tree would grow with each checkpoint of itself.
        Checkpoint.objects.get_or_create(
            size=stated.size,
            defaults={"root": stated.root.hex(), "note": note, "key_id": key.key_id},
        )
        transaction.on_commit(lambda: doorbell.ring("transparency.publish"))
