import json
from pathlib import Path

import pytest

from hokusai.core.merkle import EMPTY_ROOT, leaf_hash, root
from hokusai.transparency.algorithms.tree import (
    Node,
    consistency_path,
    cover,
    fold,
    grow,
    hashes_of,
    inclusion_path,
)

VECTORS = json.loads((Path(__file__).parent / "rfc6962_vectors.json").read_text())


def stored(leaves: list[bytes]) -> dict[Node, bytes]:
    """Every node that is kept for a tree, leaves included."""
    full, _ = grow(0, [], leaves)
    return {**{Node(0, index): leaf for index, leaf in enumerate(leaves)}, **dict(full)}


ENTRIES = [leaf_hash(bytes.fromhex(entry)) for entry in VECTORS["entries"]]


@pytest.mark.parametrize("case", VECTORS["inclusion"])
def test_inclusion_proofs_equal_the_published_ones(case: dict[str, object]) -> None:
    path = inclusion_path(case["index"], case["size"])  # type: ignore[arg-type]
    assert [hashed.hex() for hashed in hashes_of(path, stored(ENTRIES))] == case["proof"]


@pytest.mark.parametrize("case", VECTORS["consistency"])
def test_consistency_proofs_equal_the_published_ones(case: dict[str, object]) -> None:
    path = consistency_path(case["first"], case["second"])  # type: ignore[arg-type]
    assert [hashed.hex() for hashed in hashes_of(path, stored(ENTRIES))] == case["proof"]


def test_the_root_is_folded_from_one_node_per_level_at_most() -> None:
    leaves = [leaf_hash(bytes([number])) for number in range(100)]
    nodes = stored(leaves)
    for size in range(101):
        edge = cover(0, size)
        assert len({node.level for node in edge}) == len(edge)
        assert fold([nodes[node] for node in edge]) == root(leaves[:size])


def test_growing_in_pieces_makes_the_nodes_of_growing_at_once() -> None:
    leaves = [leaf_hash(bytes([number])) for number in range(77)]
    whole, whole_edge = grow(0, [], leaves)
    pieces, edge, size = [], [], 0
    for count in (1, 2, 5, 13, 0, 27, 29):
        full, edge = grow(size, edge, leaves[size : size + count])
        pieces += full
        size += count
    assert (pieces, edge) == (whole, whole_edge)


def test_the_empty_tree_has_the_root_of_nothing() -> None:
    assert fold([]) == EMPTY_ROOT
    assert cover(0, 0) == ()


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3)])
def test_a_leaf_that_is_not_there_has_no_path(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_path(index, size)


@pytest.mark.parametrize(("first", "second"), [(0, 3), (4, 3)])
def test_a_tree_does_not_follow_from_none_or_a_larger_one(first: int, second: int) -> None:
    with pytest.raises(ValueError, match="follows"):
        consistency_path(first, second)
