"""The statement of an improvement, made from stored rows alone, so that it can be made again."""

from typing import Any

from contributions.algorithms import statement as parts
from contributions.models import Improvement
from experiments.algorithms.metrics import METRICS
from experiments.choices import EvaluationRole
from experiments.models import Benchmark, Comparison
from registry.models import ModelVersion

POLICY_NAME = "hokusai-paired/1"
BILLION = 1_000_000_000


def statement_of(improvement: Improvement) -> dict[str, Any]:
    """Build and check the statement. Raises StatementError where the rows contradict each other."""
    comparison = improvement.comparison
    statistics = comparison.statistics
    evaluator = statistics["evaluator"]
    return parts.build_statement(
        subject=_artifact(improvement.candidate),
        baseline=_artifact(improvement.baseline),
        benchmark=_benchmark(comparison.benchmark),
        evaluation=_evaluation(comparison),
        metrics=_metrics(statistics),
        decision=_decision(comparison),
        contributions=_shares(improvement),
        attribution_method=improvement.method,
        issuer=parts.Issuer(evaluator["instance"], evaluator["environment"]),
        issued_on=improvement.created_at,
    )


def _artifact(version: ModelVersion) -> parts.Artifact:
    name = version.model.model_id
    return parts.Artifact(
        name=f"{name} v{version.number}",
        uri=f"hokusai://models/{name}/versions/{version.number}",
        digest=version.tree_digest,
    )


def _benchmark(benchmark: Benchmark) -> parts.Benchmark:
    rows = benchmark.dataset_version
    return parts.Benchmark(
        id=benchmark.public_id,
        digest=rows.rows_digest,
        spec_digest=benchmark.spec_digest,
        sample_count=rows.row_count or 0,
    )


def _evaluation(comparison: Comparison) -> parts.Evaluation:
    outcomes = dict(comparison.evaluations.values_list("role", "outcomes_digest"))
    evaluator = comparison.statistics["evaluator"]
    return parts.Evaluation(
        comparison_id=comparison.public_id,
        seed=comparison.benchmark.seed,
        attempt=comparison.attempt,
        evaluator=parts.Evaluator(
            lock_digest=evaluator["lock_digest"],
            revision=evaluator["revision"],
            isolation_tier=evaluator["isolation_tier"],
        ),
        baseline_outcomes_digest=outcomes[EvaluationRole.BASELINE],
        candidate_outcomes_digest=outcomes[EvaluationRole.CANDIDATE],
    )


def _metrics(statistics: dict[str, Any]) -> list[parts.MetricRecord]:
    primary = _metric_record(
        name=statistics["metric"],
        baseline=statistics["baseline_score"],
        candidate=statistics["candidate_score"],
        interval=(statistics["interval_low"], statistics["interval_high"]),
        p_e9=statistics["p_e9"],
        statistics=statistics,
        methods=(statistics["interval_method"], statistics["test_method"]),
        discordant=_pair(statistics["b"], statistics["c"]),
    )
    return [primary, *(_guardrail_record(item, statistics) for item in statistics["guardrails"])]


def _guardrail_record(item: dict[str, Any], statistics: dict[str, Any]) -> parts.MetricRecord:
    found = item["estimate"]
    counts = found["discordant"] or {}
    return _metric_record(
        name=item["metric"],
        baseline=found["baseline_score"],
        candidate=found["candidate_score"],
        interval=(_floor(found["low"]), _floor(found["high"])),
        p_e9=_ceil(found["p_value"] * BILLION),
        statistics=statistics,
        methods=(found["interval_method"], found["test_method"]),
        discordant=_pair(counts.get("b"), counts.get("c")),
        guardrail=parts.GuardrailOutcome(
            margin=item["margin"], harm_upper=item["harm_upper"], passed=item["passed"]
        ),
    )


def _metric_record(
    *,
    name: str,
    baseline: int,
    candidate: int,
    interval: tuple[int, int],
    p_e9: int,
    statistics: dict[str, Any],
    methods: tuple[str, str],
    discordant: tuple[int, int] | None,
    guardrail: parts.GuardrailOutcome | None = None,
) -> parts.MetricRecord:
    metric = METRICS[name]
    return parts.MetricRecord(
        name=name,
        primary=guardrail is None,
        direction=metric.direction.value,
        kind=metric.kind.value,
        unit=metric.unit,
        baseline=baseline,
        candidate=candidate,
        interval=parts.Interval(statistics["level_e9"], *interval, method=methods[0]),
        test=parts.SignificanceTest(methods[1], p_e9, statistics["alpha_e9"]),
        discordant=discordant,
        guardrail=guardrail,
    )


def _pair(first: int | None, second: int | None) -> tuple[int, int] | None:
    return None if first is None or second is None else (first, second)


def _floor(value: float) -> int:
    return int(value // 1)


def _ceil(value: float) -> int:
    return -int(-value // 1)


def _decision(comparison: Comparison) -> parts.DecisionRecord:
    benchmark = comparison.benchmark
    return parts.DecisionRecord(
        policy=parts.PolicyRecord(
            name=POLICY_NAME,
            metric=benchmark.metric,
            margin=benchmark.margin_ppm,
            minimum_gain=benchmark.minimum_gain_ppm,
            alpha_e9=round(benchmark.alpha * BILLION),
            guardrails=tuple((g["metric"], g["margin_ppm"]) for g in benchmark.guardrails),
        ),
        accepted=comparison.status == "accepted",
        reason=comparison.reason,
    )


def _shares(improvement: Improvement) -> list[parts.ContributionShare]:
    rows = improvement.shares.select_related(
        "contribution__wallet", "contribution__dataset_version"
    )
    return [
        parts.ContributionShare(
            id=share.contribution.public_id,
            address=share.contribution.wallet.address,
            digest=share.contribution.dataset_version.rows_digest,
            rows=share.contribution.dataset_version.row_count or 0,
            licence=share.contribution.licence,
            weight_bps=share.basis_points,
        )
        for share in rows
    ]
