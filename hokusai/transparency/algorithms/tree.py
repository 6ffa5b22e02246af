"""Which perfect subtrees of an RFC 6962 tree are kept, and which of them a proof is made of.

A perfect subtree never changes once it is full, so that its hash is stored once: the node at
(level, index) stands for the leaves index * 2^level to (index + 1) * 2^level, leaves are level 0.
Every other hash is folded from at most one such node per level.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from hokusai.core.merkle import EMPTY_ROOT, node_hash


class Node(NamedTuple):
    """The place of a perfect subtree."""

    level: int
    index: int  # type: ignore[assignment]  # tuples have a method of that name


# The nodes of one hash, left to right, each larger than the next.
Cover = tuple[Node, ...]


def cover(start: int, end: int) -> Cover:
    """The perfect subtrees of the leaves start to end, as RFC 6962 splits them.

    `start` is a multiple of the largest power of two within the range, as in all its splits.
    """
    nodes = []
    while start < end:
        level = (end - start).bit_length() - 1
        nodes.append(Node(level, start >> level))
        start += 1 << level
    return tuple(nodes)


def inclusion_path(index: int, size: int) -> list[Cover]:
    """What each hash of an inclusion proof is folded from, leaf to root (RFC 6962, 2.1.1).

    Raises ValueError where the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"A tree of {size} leaves has no leaf {index}.")
    start, end, path = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(cover(middle, end))
            end = middle
        else:
            path.append(cover(start, middle))
            start = middle
    return path[::-1]


def consistency_path(first: int, second: int) -> list[Cover]:
    """What each hash of a consistency proof is folded from (RFC 6962, 2.1.2).

    Raises ValueError unless 0 < first <= second.
    """
    if not 0 < first <= second:
        raise ValueError(f"No tree of {second} leaves follows from one of {first}.")
    start, end, path = 0, second, []
    whole = True
    while first != end:
        middle = start + _split(end - start)
        if first <= middle:
            path.append(cover(middle, end))
            end = middle
        else:
            path.append(cover(start, middle))
            start, whole = middle, False
    return path[::-1] if whole else [cover(start, end), *path[::-1]]


def fold(hashes: Sequence[bytes]) -> bytes:
    """The hash over subtrees that lie beside each other, left to right; of none, the empty root."""
    if not hashes:
        return EMPTY_ROOT
    folded = hashes[-1]
    for left in reversed(hashes[:-1]):
        folded = node_hash(left, folded)
    return folded


def hashes_of(path: Iterable[Cover], nodes: Mapping[Node, bytes]) -> list[bytes]:
    """The hashes of a proof. Raises KeyError for a node that is not given."""
    return [fold([nodes[node] for node in covered]) for covered in path]


def grow(
    size: int, edge: Sequence[bytes], leaf_hashes: Iterable[bytes]
) -> tuple[list[tuple[Node, bytes]], list[bytes]]:
    """The nodes above the leaves that become full when leaves follow, and the new right edge.

    `edge`: the hashes of `cover(0, size)`.
    """
    full: list[tuple[Node, bytes]] = []
    stack = list(edge)
    for hashed in leaf_hashes:
        stack.append(hashed)
        size += 1
        level = 0
        # As a binary counter carries: two equal neighbours become one, a level higher.
        while size >> level & 1 == 0:
            level += 1
            right = stack.pop()
            stack[-1] = node_hash(stack[-1], right)
            full.append((Node(level, (size >> level) - 1), stack[-1]))
    return full, stack


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << (count - 1).bit_length() - 1
