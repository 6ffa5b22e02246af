"""A valid statement for the tests of statements, envelopes and the stand-alone verifier."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from contributions.algorithms.statement import (
    Artifact,
    Benchmark,
    ContributionShare,
    DecisionRecord,
    Evaluation,
    Evaluator,
    GuardrailOutcome,
    Interval,
    Issuer,
    MetricRecord,
    PolicyRecord,
    SignificanceTest,
    build_statement,
)

ANNA = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
BEN = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"

ACCURACY = MetricRecord(
    name="accuracy",
    primary=True,
    direction="higher",
    kind="proportion",
    unit="share of rows",
    baseline=871_250,
    candidate=889_500,
    interval=Interval(969_603_644, 11_000, 25_500, "tango-score"),
    test=SignificanceTest("mcnemar-midp", 1_200, 15_198_177),
    discordant=(40, 113),
)
LOG_LOSS = MetricRecord(
    name="log_loss",
    primary=False,
    direction="lower",
    kind="continuous",
    unit="nats",
    baseline=412_000,
    candidate=410_500,
    interval=Interval(969_603_644, -900, 3_900, "studentised-bootstrap"),
    test=SignificanceTest("studentised-bootstrap", 5_000, 15_198_177),
    guardrail=GuardrailOutcome(10_000, 900, passed=True),
)
POLICY = PolicyRecord("hokusai-delta/1", "accuracy", 0, 10_000, 25_000_000, (("log_loss", 10_000),))
SHARES = (
    ContributionShare("con_2", BEN.lower(), "d" * 64, 500, "CC-BY-4.0", 3333),
    ContributionShare("con_1", ANNA, "c" * 64, 1000, "CC0-1.0", 6667),
)
PARTS: dict[str, Any] = {
    "subject": Artifact("sentiment-en", "hokusai://models/acme.sentiment/versions/13", "a" * 64),
    "baseline": Artifact("sentiment-en", "hokusai://models/acme.sentiment/versions/12", "b" * 64),
    "benchmark": Benchmark("bmk_1", "1" * 64, "2" * 64, 4000),
    "evaluation": Evaluation(
        "cmp_1", 20261120, 3, Evaluator("3" * 64, "0.1.0", "A"), "4" * 64, "5" * 64
    ),
    "metrics": (LOG_LOSS, ACCURACY),
    "decision": DecisionRecord(POLICY, accepted=True, reason="accepted"),
    "contributions": SHARES,
    "attribution_method": "row-weights/1",
    "issuer": Issuer("hokusai.example", "production"),
    "issued_on": datetime(2026, 11, 20, 8, 5, tzinfo=UTC),
}


def statement(**changes: Any) -> dict[str, Any]:
    return build_statement(**(PARTS | changes))


def with_metric(**changes: Any) -> dict[str, Any]:
    return statement(metrics=(replace(ACCURACY, **changes), LOG_LOSS))
