from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from contributions.algorithms.addresses import InvalidAddress
from contributions.algorithms.statement import (
    PREDICATE_TYPE,
    Artifact,
    DecisionRecord,
    StatementError,
    statement_id,
    validate_statement,
)
from hokusai.core.canonical import canonical_bytes, parse_canonical
from tests.contributions.algorithms.examples import (
    ACCURACY,
    ANNA,
    BEN,
    PARTS,
    POLICY,
    SHARES,
    statement,
)


def test_a_statement_names_everything_it_is_about() -> None:
    made = statement()
    predicate = made["predicate"]

    assert made["_type"] == "https://in-toto.io/Statement/v1"
    assert made["predicateType"] == PREDICATE_TYPE
    assert made["subject"] == [
        {
            "name": "sentiment-en",
            "uri": "hokusai://models/acme.sentiment/versions/13",
            "digest": {"sha256": "a" * 64},
        }
    ]
    assert predicate["benchmark"]["sampleCount"] == 4000
    assert predicate["evaluation"]["evaluator"]["isolationTier"] == "A"
    assert [metric["name"] for metric in predicate["metrics"]] == ["accuracy", "log_loss"]
    assert predicate["issuedOn"] == "2026-11-20T08:05:00Z"


def test_delta_is_positive_when_better_in_both_directions() -> None:
    accuracy, log_loss = statement()["predicate"]["metrics"]

    assert (accuracy["delta"], log_loss["delta"]) == (18_250, 1_500)


def test_addresses_are_written_with_chain_and_checksum() -> None:
    contributors = [item["contributor"] for item in statement()["predicate"]["contributions"]]

    assert contributors == [f"eip155:1:{ANNA}", f"eip155:1:{BEN}"]


def test_the_id_depends_on_the_content_alone() -> None:
    same = statement(
        contributions=SHARES[::-1],
        metrics=PARTS["metrics"][::-1],
        issued_on=datetime(2026, 11, 20, 9, 5, tzinfo=timezone(timedelta(hours=1))),
    )
    other = statement(issued_on=datetime(2026, 11, 20, 8, 6, tzinfo=UTC))

    assert statement_id(same) == statement_id(statement())
    assert statement_id(other) != statement_id(statement())
    assert parse_canonical(canonical_bytes(same)) == same


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(StatementError):
        statement(issued_on=datetime(2026, 11, 20))  # noqa: DTZ001


def test_a_mistyped_address_is_refused() -> None:
    with pytest.raises(InvalidAddress):
        statement(contributions=(replace(SHARES[1], address=BEN.swapcase()),))


def test_shares_must_sum_to_the_whole() -> None:
    with pytest.raises(StatementError, match="10000"):
        statement(contributions=(SHARES[0], replace(SHARES[1], weight_bps=6666)))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"contributions": ()}, "contributions"),
        ({"contributions": (SHARES[0], replace(SHARES[1], id="con_2"))}, "twice"),
        ({"contributions": (SHARES[0], replace(SHARES[1], licence="MIT\n"))}, "licence"),
        ({"contributions": (SHARES[0], replace(SHARES[1], rows=0))}, "rows"),
        ({"subject": Artifact("x", "y", "b" * 64)}, "baseline"),
        ({"subject": Artifact("x", "y", "A" * 64)}, "sha256"),
        ({"subject": Artifact("x", "y", "a" * 63 + "\n")}, "sha256"),
        ({"subject": Artifact("x\n", "y", "a" * 64)}, "name"),
        ({"evaluation": replace(PARTS["evaluation"], seed=2**53)}, "2"),
        ({"evaluation": replace(PARTS["evaluation"], attempt=0)}, "attempt"),
        ({"evaluation": replace(PARTS["evaluation"], seed=1.5)}, "float"),
        ({"metrics": (ACCURACY,)}, "guardrail"),
        ({"metrics": (*PARTS["metrics"], replace(ACCURACY, name="f1"))}, "primary"),
        ({"metrics": (*PARTS["metrics"], ACCURACY)}, "twice"),
        ({"decision": DecisionRecord(POLICY, accepted=False, reason="accepted")}, "reason"),
        ({"decision": DecisionRecord(POLICY, accepted=True, reason="good")}, "reason"),
        (
            {"decision": DecisionRecord(replace(POLICY, margin=20_000), True, "accepted")},
            "policy",
        ),
        (
            {"decision": DecisionRecord(replace(POLICY, minimum_gain=19_000), True, "accepted")},
            "policy",
        ),
        ({"decision": DecisionRecord(replace(POLICY, metric="log_loss"), True, "accepted")}, "pri"),
        ({"attribution_method": ""}, "method"),
    ],
)
def test_a_statement_that_contradicts_itself_is_refused(
    changes: dict[str, Any], match: str
) -> None:
    with pytest.raises(StatementError, match=match):
        statement(**changes)


def test_a_refusal_can_be_stated_without_reaching_the_policy() -> None:
    decision = DecisionRecord(replace(POLICY, margin=20_000), accepted=False, reason="below_margin")

    assert statement(decision=decision)["predicate"]["decision"]["accepted"] is False


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("predicate", "metrics", 0, "delta"), 18_251),
        (("predicate", "metrics", 0, "scale"), 100),
        (("predicate", "contributions", 0, "contributor"), f"eip155:1:{ANNA.lower()}"),
        (("predicate", "contributions", 0, "contributor"), f"eip155:5:{ANNA}"),
        (("predicate", "issuedOn"), "2026-13-20T08:05:00Z"),
        (("predicate", "issuedOn"), "2026-11-20T08:05:00+00"),
        (("predicate", "extra"), 1),
        (("predicate", "metrics", 0, "baseline"), 871_250.0),
        (("predicateType",), "urn:other"),
        (("subject",), []),
        (("predicate", "metrics", 0, "interval", "low"), 30_000),
    ],
)
def test_a_changed_field_is_refused(path: tuple[Any, ...], value: Any) -> None:
    made = statement()
    target = made
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value

    with pytest.raises(StatementError):
        validate_statement(made)


@pytest.mark.parametrize("value", [None, [], "x", {}])
def test_what_is_no_statement_is_refused(value: Any) -> None:
    with pytest.raises(StatementError):
        validate_statement(value)
