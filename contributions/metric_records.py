"""The numbers of a stored decision, as a statement holds them."""

from typing import Any

from contributions.algorithms import statement as parts
from experiments.registered_metrics import metric_of

BILLION = 1_000_000_000


def metric_records(statistics: dict[str, Any]) -> list[parts.MetricRecord]:
    """The deciding metric, then the guardrails, of a comparison's `statistics`."""
    primary = _metric_record(
        name=statistics["metric"],
        scores=(statistics["baseline_score"], statistics["candidate_score"]),
        interval=interval_of(statistics),
        test=test_of(statistics),
        discordant=_pair(statistics["b"], statistics["c"]),
    )
    return [primary, *(_guardrail_record(item, statistics) for item in statistics["guardrails"])]


def interval_of(statistics: dict[str, Any]) -> parts.Interval:
    return parts.Interval(
        statistics["level_e9"],
        statistics["interval_low"],
        statistics["interval_high"],
        method=statistics["interval_method"],
    )


def test_of(statistics: dict[str, Any]) -> parts.SignificanceTest:
    return parts.SignificanceTest(
        statistics["test_method"], statistics["p_e9"], statistics["alpha_e9"]
    )


def _guardrail_record(item: dict[str, Any], statistics: dict[str, Any]) -> parts.MetricRecord:
    found = item["estimate"]
    counts = found["discordant"] or {}
    return _metric_record(
        name=item["metric"],
        scores=(found["baseline_score"], found["candidate_score"]),
        interval=parts.Interval(
            statistics["level_e9"],
            _floor(found["low"]),
            _floor(found["high"]),
            method=found["interval_method"],
        ),
        test=parts.SignificanceTest(
            found["test_method"], _ceil(found["p_value"] * BILLION), statistics["alpha_e9"]
        ),
        discordant=_pair(counts.get("b"), counts.get("c")),
        guardrail=parts.GuardrailOutcome(
            margin=item["margin"], harm_upper=item["harm_upper"], passed=item["passed"]
        ),
    )


def _metric_record(
    *,
    name: str,
    scores: tuple[int, int],
    interval: parts.Interval,
    test: parts.SignificanceTest,
    discordant: tuple[int, int] | None,
    guardrail: parts.GuardrailOutcome | None = None,
) -> parts.MetricRecord:
    metric = metric_of(name)
    baseline, candidate = scores
    return parts.MetricRecord(
        name=name,
        primary=guardrail is None,
        direction=metric.direction.value,
        kind=metric.kind.value,
        unit=metric.unit,
        baseline=baseline,
        candidate=candidate,
        interval=interval,
        test=test,
        discordant=discordant,
        guardrail=guardrail,
    )


def _pair(first: int | None, second: int | None) -> tuple[int, int] | None:
    return None if first is None or second is None else (first, second)


def _floor(value: float) -> int:
    return int(value // 1)


def _ceil(value: float) -> int:
    return -int(-value // 1)
