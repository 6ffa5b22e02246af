"""What is to be served under a key: the words of `serve`, and what the journal remembers."""

from dataclasses import asdict, dataclass
from typing import Any

from hokusai.runner import protocol


@dataclass(frozen=True, slots=True)
class Spec:
    """One served key.

    `converted_digest`: of an ONNX model that answers in place of `tree_digest`'s, else empty.
    `idle_s`: after how long without a request its child may end, 0 for never. `deadline_s`: how
    long loading may take.
    """

    key: str
    project: str
    tree_digest: str
    memory_bytes: int
    converted_digest: str = ""
    latency_budget_ms: float = 0.0
    idle_s: float = 0.0
    deadline_s: float = 60.0

    @property
    def loaded_digest(self) -> str:
        """The tree that a child loads."""
        return self.converted_digest or self.tree_digest

    @property
    def digests(self) -> tuple[str, ...]:
        """Every tree whose bytes must be proven first."""
        return tuple(filter(None, (self.tree_digest, self.converted_digest)))

    def needs_another_child(self, other: "Spec") -> bool:
        """Whether a child of this one cannot answer for `other`."""
        return self.of_child != other.of_child

    @property
    def of_child(self) -> tuple[object, ...]:
        """What a child is started with."""
        return (
            self.project,
            self.tree_digest,
            self.converted_digest,
            self.memory_bytes,
            self.latency_budget_ms,
        )

    def to_wire(self) -> dict[str, Any]:
        """JSON values of every field."""
        return asdict(self)


def read_spec(header: protocol.Header) -> Spec:
    """The spec in a question or in the journal; KeyError, TypeError or ValueError where it is none.

    Seconds and milliseconds below zero count as zero.
    """
    return Spec(
        key=str(header["key"]),
        project=str(header["project"]),
        tree_digest=str(header["tree_digest"]),
        memory_bytes=int(header["memory_bytes"]),
        converted_digest=str(header.get("converted_digest") or ""),
        latency_budget_ms=max(0.0, float(header.get("latency_budget_ms") or 0.0)),
        idle_s=max(0.0, float(header.get("idle_s") or 0.0)),
        deadline_s=float(header["deadline_s"]),
    )
