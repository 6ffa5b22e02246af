from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """The hashes, leaf to root, by which a leaf hash leads to a root (RFC 6962, 2.1.1)."""

    index: int
    size: int
    leaf_hash: bytes
    root: bytes
    hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """The hashes that lead from two roots to one history (RFC 6962, 2.1.2)."""

    first: int
    second: int
    first_root: bytes
    second_root: bytes
    hashes: tuple[bytes, ...]
