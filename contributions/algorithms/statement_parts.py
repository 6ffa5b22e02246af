"""What a model improvement statement is built from."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Artifact:
    """One immutable model version: its display name, its URI and its SHA-256 in hexadecimal."""

    name: str
    uri: str
    digest: str


@dataclass(frozen=True, slots=True)
class Benchmark:
    """The rows compared on and the specification that says how; digests in hexadecimal."""

    id: str
    digest: str
    spec_digest: str
    sample_count: int


@dataclass(frozen=True, slots=True)
class Evaluator:
    """What computed the outcomes: its locked packages, its revision, its isolation (A, B or C)."""

    lock_digest: str
    revision: str
    isolation_tier: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """Which try on these rows, the level it may spend, and the digest of its record in the log."""

    number: int
    alpha_e9: int
    record: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The comparison on the rows that decide.

    `outcomes`: roots of the salted outcomes by role; `evidence`: by split, the digest of the counts
    or sums from which the decision can be repeated; `clusters` is None where rows stand alone.
    """

    comparison_id: str
    seed: int
    rows: int
    attempt: Attempt
    evaluator: Evaluator
    outcomes: Mapping[str, str]
    evidence: Mapping[str, str]
    weighted: bool = False
    clusters: int | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """A two-sided interval of the difference in millionths; its level in billionths."""

    level_e9: int
    low: int
    high: int
    method: str


@dataclass(frozen=True, slots=True)
class SignificanceTest:
    """A one-sided test: p and the error rate it was held against, in billionths."""

    method: str
    p_e9: int
    alpha_e9: int


@dataclass(frozen=True, slots=True)
class GuardrailOutcome:
    """The upper bound of a guardrail's harm against its margin, both in millionths."""

    margin: int
    harm_upper: int
    passed: bool


@dataclass(frozen=True, slots=True)
class MetricRecord:
    """One metric's scores in millionths; `discordant` is (baseline only, candidate only)."""

    name: str
    primary: bool
    direction: str
    kind: str
    unit: str
    baseline: int
    candidate: int
    interval: Interval
    test: SignificanceTest
    discordant: tuple[int, int] | None = None
    guardrail: GuardrailOutcome | None = None


@dataclass(frozen=True, slots=True)
class PolicyRecord:
    """The rule applied; margins in millionths, alpha over all attempts in billionths.

    `guardrails` holds pairs of metric and margin.
    """

    name: str
    metric: str
    margin: int
    minimum_gain: int
    alpha_e9: int
    guardrails: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """What was decided and why; `reason` is a code."""

    policy: PolicyRecord
    accepted: bool
    reason: str


@dataclass(frozen=True, slots=True)
class ConfirmationRecord:
    """What rows that no decision had touched say; `outcomes` are roots by role."""

    confirmed: bool
    rows: int
    attempt: Attempt
    outcomes: Mapping[str, str]
    delta: int
    interval: Interval
    test: SignificanceTest


@dataclass(frozen=True, slots=True)
class NoConfirmation:
    """No such rows were asked; `reason` is a code."""

    reason: str


@dataclass(frozen=True, slots=True)
class Credit:
    """The gain's two parts in millionths: candidate over control, control over baseline."""

    data_effect: int
    engineering_effect: int


@dataclass(frozen=True, slots=True)
class SeedSpread:
    """The lowest and highest gain over a training's seeds, in millionths."""

    seeds: int
    lowest: int
    highest: int


@dataclass(frozen=True, slots=True)
class AttributionRecord:
    """How credit was split; gain and bound in millionths, `report` a SHA-256 or empty."""

    method: str
    payable_gain: int = 0
    payable_reason: str = ""
    evaluations: int = 0
    error_bound: int = 0
    report: str = ""


@dataclass(frozen=True, slots=True)
class ContributionShare:
    """One contribution: whose it is, the digest of its rows, and its share in basis points.

    `value`: what it added and its bounds, in millionths; `disclosure_root`: that of its salted
    rows, empty where none was made.
    """

    id: str
    address: str
    digest: str
    rows: int
    licence: str
    weight_bps: int
    value: tuple[int, int, int] | None = None
    disclosure_root: str = ""


@dataclass(frozen=True, slots=True)
class Issuer:
    """The instance that speaks, and its environment."""

    instance: str
    environment: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What was measured beside the comparison itself."""

    confirmation: ConfirmationRecord | NoConfirmation = field(
        default_factory=lambda: NoConfirmation("no_split")
    )
    credit: Credit | None = None
    seed_spread: SeedSpread | None = None
