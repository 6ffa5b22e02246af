"""Verifying RFC 6962 proofs, by the steps of RFC 9162 (2.1.3.2 and 2.1.4.2)."""

from collections.abc import Sequence
from hmac import compare_digest

from hokusai.core.merkle import HASH_BYTES, node_hash


class ProofError(ValueError):
    """The proof does not lead to the root."""


def verify_inclusion(
    *, index: int, size: int, leaf_hash: bytes, proof: Sequence[bytes], root: bytes
) -> None:
    """Raises ProofError unless the leaf is at `index` of the tree with this size and root."""
    if not 0 <= index < size:
        raise ProofError(f"A tree of {size} leaves has no leaf {index}.")
    _check_lengths([leaf_hash, root, *proof])
    place, last, hashed = index, size - 1, leaf_hash
    for beside in proof:
        if last == 0:
            raise ProofError("The proof is too long.")
        if place & 1 or place == last:
            hashed = node_hash(beside, hashed)
            place, last = _past_odd(place, last)
        else:
            hashed = node_hash(hashed, beside)
        place, last = place >> 1, last >> 1
    if last != 0:
        raise ProofError("The proof is too short.")
    if not compare_digest(hashed, root):
        raise ProofError("The proof leads to another root.")


def verify_consistency(
    *, first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]
) -> None:
    """Raises ProofError unless the tree of `second` leaves begins with the one of `first`."""
    _check_lengths([first_root, second_root, *proof])
    if not 0 < first <= second:
        raise ProofError(f"No tree of {second} leaves follows from one of {first}.")
    if first == second:
        if proof or not compare_digest(first_root, second_root):
            raise ProofError("One size has one root and an empty proof.")
        return
    hashes = list(proof) if first & (first - 1) else [first_root, *proof]
    if not hashes:
        raise ProofError("The proof is empty.")
    old, new = _climbed(first, second, hashes)
    if not compare_digest(old, first_root):
        raise ProofError("The proof leads to another first root.")
    if not compare_digest(new, second_root):
        raise ProofError("The proof leads to another second root.")


def _climbed(first: int, second: int, hashes: list[bytes]) -> tuple[bytes, bytes]:
    place, last = first - 1, second - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = hashes[0]
    for beside in hashes[1:]:
        if last == 0:
            raise ProofError("The proof is too long.")
        if place & 1 or place == last:
            old, new = node_hash(beside, old), node_hash(beside, new)
            place, last = _past_odd(place, last)
        else:
            new = node_hash(new, beside)
        place, last = place >> 1, last >> 1
    if last != 0:
        raise ProofError("The proof is too short.")
    return old, new


def _past_odd(place: int, last: int) -> tuple[int, int]:
    """Skip the levels on which the right edge has no neighbour."""
    while place and not place & 1:
        place, last = place >> 1, last >> 1
    return place, last


def _check_lengths(hashes: Sequence[bytes]) -> None:
    if any(len(hashed) != HASH_BYTES for hashed in hashes):
        raise ProofError(f"A hash has {HASH_BYTES} bytes.")
