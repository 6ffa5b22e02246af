"""The tree: every leaf from its record, every node from its leaves, every checkpoint from both."""

from collections.abc import Iterator
from typing import NamedTuple

from hokusai.core.merkle import leaf_hash
from hokusai.signers.choices import Purpose
from hokusai.signers.models import SigningKey
from hokusai.transparency.algorithms.checkpoints import CheckpointText
from hokusai.transparency.algorithms.notes import (
    NoteError,
    NoteKey,
    cosigned_at,
    opened,
    parsed_lines,
    verified_text,
)
from hokusai.transparency.algorithms.tree import Node, fold, grow
from hokusai.transparency.audits.findings import Findings
from hokusai.transparency.leaves import leaf_bytes_of, read_nodes, tree_size
from hokusai.transparency.models import Checkpoint, LogLeaf, LogNode
from hokusai.transparency.policy import log_key, log_origin, witnesses

CHUNK = 2_000


class _Grown(NamedTuple):
    size: int
    edge: list[bytes]


def check_tree(findings: Findings) -> None:
    """Grow the tree again from its records and compare what is stored on the way."""
    end, grown = tree_size(), _Grown(0, [])
    checkpoints = _Checkpoints(findings)
    checkpoints.check_at(grown)
    while grown.size < end:
        grown = _grow_chunk(findings, checkpoints, grown, end)
    checkpoints.check_beyond(end)
    _check_count(findings, end)


def _grow_chunk(findings: Findings, checkpoints: "_Checkpoints", grown: _Grown, end: int) -> _Grown:
    stop = min(grown.size + CHUNK, end)
    rows = LogLeaf.objects.select_related("record").filter(index__gte=grown.size, index__lt=stop)
    leaves = {leaf.index: leaf for leaf in rows}
    nodes: dict[Node, bytes] = {}
    for index in range(grown.size, stop):
        hashed = _checked_hash(findings, index, leaves.get(index))
        full, edge = grow(index, grown.edge, [hashed])
        nodes.update(full)
        grown = _Grown(index + 1, edge)
        checkpoints.check_at(grown)
    _check_nodes(findings, nodes)
    return grown


def _checked_hash(findings: Findings, index: int, leaf: LogLeaf | None) -> bytes:
    findings.checked("leaves")
    if leaf is None:
        findings.differs(f"leaf {index} is missing")
        return b"\x00" * 32
    hashed = leaf_hash(leaf_bytes_of(leaf.record))
    findings.expect(
        bytes(leaf.leaf_hash) == hashed, f"leaf {index} is not the hash of record {leaf.record_id}"
    )
    return hashed


def _check_nodes(findings: Findings, nodes: dict[Node, bytes]) -> None:
    findings.checked("nodes", len(nodes))
    stored = read_nodes(nodes)
    for node, hashed in nodes.items():
        text = "differs" if node in stored else "is missing"
        findings.expect(stored.get(node) == hashed, f"node {node.level}:{node.index} {text}")


def _check_count(findings: Findings, end: int) -> None:
    """Rows that no tree of this size has; each leaf closes one node but those of the edge."""
    beyond = LogNode.objects.count() - (tree_size() - tree_size().bit_count())
    findings.expect(beyond <= 0, f"there are {beyond} nodes that the tree does not have")


class _Checkpoints:
    """Checkpoints in the order of their sizes, each compared when the tree has grown so far."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        keys = SigningKey.objects.of(Purpose.LOG).values_list("key_id", "public_pem")
        self._keys = {key_id: log_key(pem) for key_id, pem in keys}
        self._witnesses = {witness.name: witness.key for witness in witnesses()}
        self._rows = self._read()
        self._next = next(self._rows, None)

    def _read(self) -> Iterator[Checkpoint]:
        last = -1
        rows = Checkpoint.objects.order_by("size").prefetch_related("cosignatures")
        while chunk := list(rows.filter(size__gt=last)[:CHUNK]):
            yield from chunk
            last = chunk[-1].size

    def check_at(self, grown: _Grown) -> None:
        """Compare the checkpoint of this size, if there is one."""
        if self._next is not None and self._next.size == grown.size:
            self._check(self._next, fold(grown.edge))
            self._next = next(self._rows, None)

    def check_beyond(self, end: int) -> None:
        """What states more leaves than there were when the audit began, and are now."""
        now = tree_size()
        while self._next is not None:
            self._findings.expect(
                end < self._next.size <= now,
                f"the checkpoint of {self._next.size} leaves is beyond the log, which has {now}",
            )
            self._next = next(self._rows, None)

    def _check(self, checkpoint: Checkpoint, root: bytes) -> None:
        self._findings.checked("checkpoints")
        stated = CheckpointText(log_origin(), checkpoint.size, root)
        self._findings.expect(
            checkpoint.root == root.hex(), f"the root of {checkpoint} is not the tree's"
        )
        key = self._keys.get(checkpoint.key_id)
        try:
            text = verified_text(checkpoint.note, [key] if key else [])
            self._findings.expect(
                CheckpointText.of(text) == stated, f"the note of {checkpoint} states another tree"
            )
        except NoteError as error:
            self._findings.differs(f"the note of {checkpoint} does not hold: {error}")
        self._check_cosignatures(checkpoint)

    def _check_cosignatures(self, checkpoint: Checkpoint) -> None:
        for cosignature in checkpoint.cosignatures.all():
            key = self._witnesses.get(cosignature.witness)
            if key is None:
                self._findings.checked("cosignatures of former witnesses left out", 1)
                continue
            self._findings.checked("cosignatures")
            try:
                _check_line(checkpoint, cosignature.line, key)
            except NoteError as error:
                self._findings.differs(f"{cosignature} does not hold: {error}")


def _check_line(checkpoint: Checkpoint, line: str, key: NoteKey) -> None:
    """Raises NoteError unless the witness signed the checkpoint's text."""
    text, _ = opened(checkpoint.note)
    for parsed in parsed_lines(line):
        cosigned_at(text, parsed, key)
