"""The way from one entry of a status list up to its root (RFC 6962, section 2.1.1)."""

from collections.abc import Sequence

from hokusai.core.merkle import node_hash


def path_of(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Return the siblings of a leaf, from the leaf up; an odd last node has none and moves up.

    Raises IndexError for a leaf that is not there.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(f"A tree of {len(leaves)} leaves has no leaf {index}.")
    path, level = [], list(leaves)
    while len(level) > 1:
        if index ^ 1 < len(level):
            path.append(level[index ^ 1])
        pairs = zip(level[::2], level[1::2], strict=False)
        odd = [level[-1]] if len(level) % 2 else []
        level = [node_hash(left, right) for left, right in pairs] + odd
        index //= 2
    return tuple(path)
