"""What versions may be searched by."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

MAX_TERMS = 10
MAX_SIZE = 200
DEFAULT_SIZE = 50

Comparison = Literal["=", ">=", "<="]


@dataclass(frozen=True, slots=True)
class TagTerm:
    """A tag's value is this text, or is a number or date on one side of `number`.

    `number`: seconds since 1970 where `kind` is date; unused where the comparison is `=`.
    """

    key: str
    comparison: Comparison
    value: str
    number: float = 0.0
    kind: str = ""


@dataclass(frozen=True, slots=True)
class MetricTerm:
    """A metric on one side of a number, or equal to it."""

    name: str
    comparison: Comparison
    value: float


@dataclass(frozen=True, slots=True)
class Order:
    """By registration, by number within one model, or by a metric that a version states."""

    by: Literal["registration", "number", "metric"] = "registration"
    descending: bool = True
    metric: str = ""


@dataclass(frozen=True, slots=True)
class VersionSearch:
    """Filters that must all hold; of those that name several values, one must."""

    text: str = ""
    tags: tuple[TagTerm, ...] = ()
    metrics: tuple[MetricTerm, ...] = ()
    projects: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    flavors: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    security_levels: tuple[str, ...] = ()
    artifact_states: tuple[str, ...] = ()
    sync_states: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    dataset: str = ""
    contributor: str = ""
    run_id: str = ""
    tree_digest: str = ""
    registered_after: datetime | None = None
    registered_before: datetime | None = None
    order: Order = Order()
    size: int = DEFAULT_SIZE
    cursor: str = ""

    @property
    def fingerprint(self) -> str:
        """Equal for two pages of one search."""
        return repr(replace(self, size=0, cursor=""))
