"""What a model improvement statement is built from."""

from dataclasses import dataclass


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
class Evaluation:
    """The comparison and the digests of both models' outcomes."""

    comparison_id: str
    seed: int
    attempt: int
    evaluator: Evaluator
    baseline_outcomes_digest: str
    candidate_outcomes_digest: str


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
class ContributionShare:
    """One contribution: whose it is, the digest of its rows, and its share in basis points."""

    id: str
    address: str
    digest: str
    rows: int
    licence: str
    weight_bps: int


@dataclass(frozen=True, slots=True)
class Issuer:
    """The instance that speaks, and its environment."""

    instance: str
    environment: str
