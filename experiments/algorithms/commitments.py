"""Salted Merkle commitments: a root that binds to rows and tells nothing about any of them.

Row i of n has the salt `HMAC-SHA256(secret, i as 8 bytes, big-endian)` and the leaf
`SHA-256(0x00 || salt || row)`; inner nodes and the shape of the tree are RFC 6962's (section 2.1).
Each row has a salt of its own, so that a path shown for one row confirms no guess at its
neighbours. Whoever holds the secret can show any row; deleting it closes the rest for good.
"""

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hokusai.core.merkle import leaf_hash, node_hash, root

SECRET_BYTES = 32
SALT_BYTES = 32
MAX_PATH = 64


class CommitmentError(ValueError):
    """A commitment cannot be made or shown from what was given."""


@dataclass(frozen=True, slots=True)
class Disclosed:
    """One row of `size`, its salt, and the hashes from its leaf up to the root."""

    index: int
    size: int
    row: bytes
    salt: bytes
    path: tuple[bytes, ...]


def row_salt(secret: bytes, index: int) -> bytes:
    """Return the salt of one row. Raises CommitmentError for a secret of another length."""
    if len(secret) != SECRET_BYTES:
        raise CommitmentError(f"The secret of a commitment has {SECRET_BYTES} bytes.")
    return hmac.digest(secret, index.to_bytes(8, "big"), "sha256")


def salted_leaf(row: bytes, salt: bytes) -> bytes:
    return leaf_hash(salt + row)


def salted_leaves(rows: Sequence[bytes], secret: bytes) -> list[bytes]:
    """Return the leaf hashes of `rows` in their order. Raises CommitmentError."""
    return [salted_leaf(row, row_salt(secret, index)) for index, row in enumerate(rows)]


def salted_root(rows: Sequence[bytes], secret: bytes) -> bytes:
    """Return the 32 bytes that commit to `rows` and their order.

    Raises:
        CommitmentError: no row, or a secret that has not 32 bytes.
    """
    if not rows:
        raise CommitmentError("There is no row to commit to.")
    return root(salted_leaves(rows, secret))


def disclose(rows: Sequence[bytes], secret: bytes, index: int) -> Disclosed:
    """Show one row: with the root alone, anyone can check that it is row `index` of `size`.

    Raises:
        CommitmentError: there is no such row, or the secret has not 32 bytes.
    """
    if not 0 <= index < len(rows):
        raise CommitmentError(f"There is no row {index} among {len(rows)}.")
    path = _path(salted_leaves(rows, secret), index)
    return Disclosed(index, len(rows), rows[index], row_salt(secret, index), path)


def verify_disclosed(shown: Disclosed, commitment: bytes) -> bool:
    """Tell whether the row is row `index` of the `size` rows that `commitment` binds to."""
    in_bounds = 0 <= shown.index < shown.size and len(shown.path) <= MAX_PATH
    if not in_bounds or len(shown.salt) != SALT_BYTES:
        return False
    reached = _climb(salted_leaf(shown.row, shown.salt), shown.index, shown.size, shown.path)
    return reached is not None and hmac.compare_digest(reached, commitment)


def outcome_rows(outcomes: Mapping[str, npt.NDArray[np.int64]]) -> list[bytes]:
    """Return one canonical JSON object per row: metric name to its components.

    outcomes: per metric (n,) or (n, p) int64 fixed point, all with the same rows in one order.

    Raises:
        CommitmentError: metrics with different numbers of rows.
    """
    tables = {
        name: values.reshape(len(values), -1).tolist() for name, values in sorted(outcomes.items())
    }
    if len({len(rows) for rows in tables.values()}) > 1:
        raise CommitmentError("The metrics have different numbers of rows.")
    return [
        _canonical(dict(zip(tables, components, strict=True)))
        for components in zip(*tables.values(), strict=True)
    ]


def _canonical(value: dict[str, Any]) -> bytes:
    """Metric names are ASCII and components integers: the plain form is RFC 8785's, only faster."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _path(leaves: list[bytes], index: int) -> tuple[bytes, ...]:
    """The siblings from the leaf upwards; a level's odd last node has none and moves up."""
    path, level = [], leaves
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        pairs = zip(level[::2], level[1::2], strict=False)
        odd = [level[-1]] if len(level) % 2 else []
        level = [node_hash(left, right) for left, right in pairs] + odd
        index //= 2
    return tuple(path)


def _climb(node: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that the path leads to; None when it has another length than the tree's."""
    remaining = list(reversed(path))
    while size > 1:
        if index ^ 1 < size:
            if not remaining:
                return None
            sibling = remaining.pop()
            node = node_hash(sibling, node) if index % 2 else node_hash(node, sibling)
        index, size = index // 2, (size + 1) // 2
    return None if remaining else node
