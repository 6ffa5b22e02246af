"""What main decides about one child, and the zygote and the child carry out."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Tier = Literal["A", "B", "C"]
Purpose = Literal["once", "serve", "probe", "train", "table", "convert"]


@dataclass(frozen=True, slots=True)
class Plan:
    """One child. It travels as JSON from main to the zygote.

    `uid`: the uid of its own, 0 where it keeps main's. `tree`: the folder of the model's files.
    `scratch`: an empty folder that the child's private root is mounted on. `memory_bytes`: the
    limit main watches; here only the backstop. `probe`: what a probe child tries. `recipe`: the
    dotted path of the class that a training child fits by. `latency_budget_ms`: how long a serving
    child may hold a request back so that others can join its batch.
    """

    purpose: Purpose
    tier: Tier
    uid: int
    tree: str
    format: str
    scratch: str
    memory_bytes: int
    probe: dict[str, Any]
    recipe: str = ""
    latency_budget_ms: float = 0.0

    def to_wire(self) -> dict[str, Any]:
        """JSON values of every field."""
        return asdict(self)
