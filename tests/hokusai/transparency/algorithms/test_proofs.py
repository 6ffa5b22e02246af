"""Every proof of every tree up to 64 leaves verifies, and no changed one does."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hokusai.core.merkle import EMPTY_ROOT, leaf_hash, root
from hokusai.transparency.algorithms.proofs import (
    ProofError,
    verify_consistency,
    verify_inclusion,
)
from hokusai.transparency.algorithms.tree import (
    Node,
    consistency_path,
    grow,
    hashes_of,
    inclusion_path,
)

VECTORS = json.loads((Path(__file__).parent / "rfc6962_vectors.json").read_text())
LARGEST = 64
LEAVES = [leaf_hash(bytes([number])) for number in range(LARGEST)]
ROOTS = [root(LEAVES[:size]) for size in range(LARGEST + 1)]
NODES = {
    **{Node(0, index): leaf for index, leaf in enumerate(LEAVES)},
    **dict(grow(0, [], LEAVES)[0]),
}
OTHER = EMPTY_ROOT
Proof = list[bytes]


def changed(proof: Proof) -> Iterator[Proof]:
    """The proof with each hash replaced or left out, one too many at either end, reversed."""
    for place in range(len(proof)):
        yield [*proof[:place], OTHER, *proof[place + 1 :]]
        yield [*proof[:place], *proof[place + 1 :]]
    yield [*proof, OTHER]
    yield [OTHER, *proof]
    if proof:
        yield [*proof, proof[-1]]
        yield [proof[0], *proof]
    if len(set(proof)) > 1:
        yield proof[::-1]


def included(index: int, size: int, leaf: bytes, proof: Proof, top: bytes) -> bool:
    try:
        verify_inclusion(index=index, size=size, leaf_hash=leaf, proof=proof, root=top)
    except ProofError:
        return False
    return True


def consistent(first: int, second: int, old: bytes, new: bytes, proof: Proof) -> bool:
    try:
        verify_consistency(first=first, second=second, first_root=old, second_root=new, proof=proof)
    except ProofError:
        return False
    return True


@pytest.mark.parametrize("case", VECTORS["inclusion"])
def test_published_inclusion_proofs_verify(case: dict[str, object]) -> None:
    index, size = int(str(case["index"])), int(str(case["size"]))
    leaf = leaf_hash(bytes.fromhex(VECTORS["entries"][index]))
    proof = [bytes.fromhex(text) for text in case["proof"]]  # type: ignore[attr-defined]
    assert included(index, size, leaf, proof, bytes.fromhex(VECTORS["roots"][size - 1]))


@pytest.mark.parametrize("case", VECTORS["consistency"])
def test_published_consistency_proofs_verify(case: dict[str, object]) -> None:
    first, second = int(str(case["first"])), int(str(case["second"]))
    old, new = (bytes.fromhex(VECTORS["roots"][size - 1]) for size in (first, second))
    proof = [bytes.fromhex(text) for text in case["proof"]]  # type: ignore[attr-defined]
    assert consistent(first, second, old, new, proof)


def test_every_inclusion_proof_verifies_and_no_changed_one() -> None:
    for size in range(1, LARGEST + 1):
        for index in range(size):
            proof = hashes_of(inclusion_path(index, size), NODES)
            leaf, top = LEAVES[index], ROOTS[size]
            assert included(index, size, leaf, proof, top)
            assert not any(included(index, size, leaf, wrong, top) for wrong in changed(proof))
            assert not included(index, size, OTHER, proof, top)
            assert not included(index, size, leaf, proof, OTHER)
            assert not included(size, size, leaf, proof, top)
            assert not included(-1, size, leaf, proof, top)
            for place in {index - 1, index + 1, index ^ 2} - {index}:
                assert not included(place, size, leaf, proof, top)


def test_every_consistency_proof_verifies_and_no_changed_one() -> None:
    for second in range(1, LARGEST + 1):
        for first in range(1, second + 1):
            proof = hashes_of(consistency_path(first, second), NODES)
            old, new = ROOTS[first], ROOTS[second]
            assert consistent(first, second, old, new, proof)
            assert not any(consistent(first, second, old, new, wrong) for wrong in changed(proof))
            assert not consistent(first, second, OTHER, new, proof)
            assert not consistent(first, second, old, OTHER, proof)
            assert not consistent(second + 1, second, old, new, proof)
            assert not consistent(0, second, old, new, proof)
            if first != second:
                assert not consistent(first, second, new, old, proof)
                assert not consistent(first, second, old, new, [])


def test_a_hash_of_another_length_is_refused() -> None:
    assert not included(0, 2, LEAVES[0], [LEAVES[1][:31]], ROOTS[2])
    assert not consistent(1, 2, ROOTS[1], ROOTS[2], [b""])
