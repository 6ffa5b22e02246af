"""Leaves and nodes in the database: reading covers, appending what follows."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import Max

from hokusai.core.canonical import canonical_bytes
from hokusai.core.merkle import leaf_hash
from hokusai.core.prepared import fetch_rows
from hokusai.transparency.algorithms.tree import Cover, Node, cover, fold, grow
from hokusai.transparency.models import LogLeaf, LogRecord

_LEAVES = (
    "INSERT INTO transparency_logleaf (index, record_id, leaf_hash)"
    " SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bytea[])"
)
_NODES = (
    "INSERT INTO transparency_lognode (level, index, hash)"
    " SELECT * FROM unnest(%s::smallint[], %s::bigint[], %s::bytea[])"
)
_HASHES = (
    "SELECT 0, index, leaf_hash FROM transparency_logleaf WHERE index = ANY(%s::bigint[])"
    " UNION ALL SELECT n.level, n.index, n.hash FROM transparency_lognode n"
    " JOIN unnest(%s::smallint[], %s::bigint[]) AS w(level, index)"
    " ON n.level = w.level AND n.index = w.index"
)


def leaf_bytes(*, kind: str, digest: str, key_id: str, previous: str) -> bytes:
    """What a leaf is hashed from: the statement's digest, never the statement."""
    return canonical_bytes(
        {"keyId": key_id, "kind": kind, "previous": previous, "statement": {"sha256": digest}}
    )


def leaf_bytes_of(record: LogRecord) -> bytes:
    """The bytes of a record's leaf."""
    return leaf_bytes(
        kind=record.kind, digest=record.digest, key_id=record.key_id, previous=record.previous
    )


def tree_size() -> int:
    """How many leaves there are."""
    last: int | None = LogLeaf.objects.aggregate(last=Max("index"))["last"]
    return 0 if last is None else last + 1


def read_nodes(nodes: Iterable[Node]) -> dict[Node, bytes]:
    """Hashes by place, in one query; what is not stored is left out."""
    wanted = list(nodes)
    leaves = [node.index for node in wanted if node.level == 0]
    above = [node for node in wanted if node.level]
    places = [leaves, [node.level for node in above], [node.index for node in above]]
    return {Node(level, index): hashed for level, index, hashed in fetch_rows(_HASHES, places)}


def read_paths(*paths: Sequence[Cover]) -> dict[Node, bytes]:
    """Hashes of all nodes that some paths are folded from."""
    return read_nodes({node for path in paths for covered in path for node in covered})


def root_of_size(size: int) -> bytes:
    """The root of the first `size` leaves. Raises KeyError where there are fewer."""
    edge = cover(0, size)
    nodes = read_nodes(edge)
    return fold([nodes[node] for node in edge])


def append_leaves(size: int, records: Sequence[tuple[int, bytes]]) -> None:
    """Put records at the end of a tree of `size` leaves; the caller holds the sequencer's lock.

    `records`: key and leaf bytes, in order.
    """
    nodes = read_nodes(cover(0, size))
    edge = [nodes[node] for node in cover(0, size)]
    hashes = [leaf_hash(data) for _, data in records]
    full, _ = grow(size, edge, hashes)
    indices = list(range(size, size + len(records)))
    with connection.cursor() as cursor:
        cursor.execute(_LEAVES, [indices, [key for key, _ in records], hashes])
        if full:
            columns: list[Any] = [
                [node.level for node, _ in full],
                [node.index for node, _ in full],
                [hashed for _, hashed in full],
            ]
            cursor.execute(_NODES, columns)
