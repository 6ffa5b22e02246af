"""A valid statement for the tests of statements, envelopes and verifiers."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contributions.algorithms.statement import (
    Artifact,
    Attempt,
    AttributionRecord,
    Benchmark,
    ConfirmationRecord,
    ContributionShare,
    Credit,
    DecisionRecord,
    Evaluation,
    Evaluator,
    Findings,
    GuardrailOutcome,
    Interval,
    Issuer,
    MetricRecord,
    PolicyRecord,
    SeedSpread,
    SignificanceTest,
    build_statement,
)

ANNA = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
BEN = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
# What version 1 of the platform signed.
FIRST = Path(__file__).with_name("statement-v1.json").read_bytes()

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
    ContributionShare("con_2", BEN.lower(), "d" * 64, 500, "CC-BY-4.0", 3333, (6_000, 900, 9_000)),
    ContributionShare(
        "con_1", ANNA, "c" * 64, 1000, "CC0-1.0", 6667, (12_000, 7_000, 16_000), "e" * 64
    ),
)
EVALUATION = Evaluation(
    comparison_id="cmp_1",
    seed=20261120,
    rows=4000,
    attempt=Attempt(1, 15_198_177, "6" * 64),
    evaluator=Evaluator("3" * 64, "0.1.0", "A"),
    outcomes={"baseline": "4" * 64, "candidate": "5" * 64, "control": "7" * 64},
    evidence={"screening": "8" * 64, "confirmation": "9" * 64},
)
CONFIRMATION = ConfirmationRecord(
    confirmed=True,
    rows=1000,
    attempt=Attempt(1, 15_198_177, "0" * 64),
    outcomes={"baseline": "4" * 64, "candidate": "5" * 64},
    delta=17_000,
    interval=Interval(969_603_644, 2_000, 31_000, "tango-score"),
    test=SignificanceTest("mcnemar-midp", 9_000, 15_198_177),
)
FINDINGS = Findings(CONFIRMATION, Credit(17_500, 750), SeedSpread(3, 15_000, 19_000))
PARTS: dict[str, Any] = {
    "subject": Artifact("sentiment-en", "hokusai://models/acme.sentiment/versions/13", "a" * 64),
    "baseline": Artifact("sentiment-en", "hokusai://models/acme.sentiment/versions/12", "b" * 64),
    "benchmark": Benchmark("bmk_1", "1" * 64, "2" * 64, 5000),
    "evaluation": EVALUATION,
    "metrics": (LOG_LOSS, ACCURACY),
    "decision": DecisionRecord(POLICY, accepted=True, reason="accepted"),
    "findings": FINDINGS,
    "attribution": AttributionRecord("exact-shapley/1", 17_000, "", 4, 0, "f" * 64),
    "contributions": SHARES,
    "issuer": Issuer("hokusai.example", "production"),
    "issued_on": datetime(2026, 11, 20, 8, 5, tzinfo=UTC),
    "expires_on": datetime(2028, 11, 20, 8, 5, tzinfo=UTC),
}


def statement(**changes: Any) -> dict[str, Any]:
    return build_statement(**(PARTS | changes))


def first_statement() -> dict[str, Any]:
    """A statement of version 1."""
    made: dict[str, Any] = json.loads(FIRST)
    return made


def with_metric(**changes: Any) -> dict[str, Any]:
    return statement(metrics=(replace(ACCURACY, **changes), LOG_LOSS))
