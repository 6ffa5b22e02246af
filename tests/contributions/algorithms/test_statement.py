from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from contributions.algorithms.addresses import InvalidAddress
from contributions.algorithms.statement import (
    PREDICATE_TYPE,
    Artifact,
    Attempt,
    AttributionRecord,
    ContributionShare,
    DecisionRecord,
    NoConfirmation,
    SeedSpread,
    StatementError,
    statement_id,
    validate_statement,
)
from contributions.algorithms.statement_rules import MAX_BYTES, PREDICATE_TYPE_1, load_schema
from hokusai.core.canonical import canonical_bytes, parse_canonical
from tests.contributions.algorithms.examples import (
    ACCURACY,
    ANNA,
    BEN,
    CONFIRMATION,
    EVALUATION,
    FINDINGS,
    FIRST,
    PARTS,
    POLICY,
    SHARES,
    first_statement,
    statement,
)

ATTRIBUTION = PARTS["attribution"]
UNPAID = AttributionRecord("exact-shapley/1", 0, "not_confirmed", 4)


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
    assert predicate["benchmark"]["sampleCount"] == 5000
    assert predicate["evaluation"]["evaluator"]["isolationTier"] == "A"
    assert [metric["name"] for metric in predicate["metrics"]] == ["accuracy", "log_loss"]
    assert predicate["issuedOn"] == "2026-11-20T08:05:00Z"
    assert predicate["expiresOn"] == "2028-11-20T08:05:00Z"
    assert predicate["evaluation"]["attempt"] == {
        "number": 1,
        "alphaE9": 15_198_177,
        "record": {"sha256": "6" * 64},
    }
    assert predicate["evaluation"]["outcomes"]["control"] == {"sha256": "7" * 64}
    assert predicate["confirmation"]["confirmed"]
    assert predicate["credit"] == {"dataEffect": 17_500, "engineeringEffect": 750}
    assert predicate["seedSpread"] == {"seeds": 3, "lowest": 15_000, "highest": 19_000}
    assert predicate["attribution"]["payableGain"] == 17_000
    assert predicate["contributions"][0]["disclosureRoot"] == {"sha256": "e" * 64}
    assert [item["low"] for item in predicate["contributions"]] == [7_000, 900]


def test_what_was_not_measured_is_absent_with_its_reason() -> None:
    made = statement(
        evaluation=replace(EVALUATION, evidence={"screening": "8" * 64}),
        findings=replace(
            FINDINGS, confirmation=NoConfirmation("no_split"), credit=None, seed_spread=None
        ),
        attribution=UNPAID,
    )["predicate"]

    assert made["confirmation"] == {"absent": "no_split"}
    assert made["attribution"]["payableReason"] == "not_confirmed"
    assert "credit" not in made
    assert "seedSpread" not in made


def test_a_gain_that_nobody_is_credited_with_can_be_stated() -> None:
    nobody = tuple(replace(share, weight_bps=0) for share in SHARES)

    assert statement(attribution=UNPAID, contributions=())["predicate"]["contributions"] == []
    assert statement(attribution=UNPAID, contributions=nobody)
    with pytest.raises(StatementError, match="sum to 0"):
        statement(contributions=())


def many(people: int) -> tuple[ContributionShare, ...]:
    """As many contributors as asked for, each with a value and a root."""
    even, left = divmod(10_000, people)
    return tuple(
        ContributionShare(
            f"ctr_{number:032x}",
            f"0x{number + 1:040x}",
            "d" * 64,
            500,
            "CC-BY-4.0",
            even + (left if number == 0 else 0),
            (60, 9, 90),
            "e" * 64,
        )
        for number in range(people)
    )


def test_a_hundred_contributors_fit_and_one_more_is_refused() -> None:
    assert len(canonical_bytes(statement(contributions=many(100)))) < MAX_BYTES
    with pytest.raises(StatementError, match="at most 100 contributors"):
        statement(contributions=many(101))


def test_a_statement_over_64_kib_is_refused() -> None:
    twice = [
        replace(share, id=f"{share.id}-{part}", weight_bps=share.weight_bps // 2)
        for share in many(100)
        for part in (1, 2)
    ]
    with pytest.raises(StatementError, match=r"at most 65,536 bytes, not"):
        statement(contributions=twice)


def test_statements_of_version_1_stay_valid() -> None:
    made = first_statement()

    assert made["predicateType"] == PREDICATE_TYPE_1
    assert canonical_bytes(made) == FIRST
    validate_statement(made)
    made["predicate"]["contributions"][0]["weightBps"] -= 1
    with pytest.raises(StatementError, match="9999"):
        validate_statement(made)


def test_one_version_does_not_pass_for_another() -> None:
    with pytest.raises(StatementError):
        validate_statement(first_statement() | {"predicateType": PREDICATE_TYPE})
    with pytest.raises(StatementError):
        validate_statement(statement() | {"predicateType": PREDICATE_TYPE_1})
    with pytest.raises(StatementError, match="asked for"):
        validate_statement(first_statement(), PREDICATE_TYPE)


def test_no_field_of_a_schema_takes_a_fraction() -> None:
    def kinds(schema: Any) -> list[Any]:
        if isinstance(schema, dict):
            own = [schema["type"]] if isinstance(schema.get("type"), str) else []
            return own + [kind for value in schema.values() for kind in kinds(value)]
        return [kind for value in schema for kind in kinds(value)] if type(schema) is list else []

    assert "number" not in kinds(load_schema()) + kinds(load_schema(PREDICATE_TYPE_1))


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
        ({"contributions": (SHARES[0], replace(SHARES[1], id="con_2"))}, "twice"),
        ({"contributions": (SHARES[0], replace(SHARES[1], licence="MIT\n"))}, "licence"),
        ({"contributions": (SHARES[0], replace(SHARES[1], rows=0))}, "rows"),
        ({"subject": Artifact("x", "y", "b" * 64)}, "baseline"),
        ({"subject": Artifact("x", "y", "A" * 64)}, "sha256"),
        ({"subject": Artifact("x", "y", "a" * 63 + "\n")}, "sha256"),
        ({"subject": Artifact("x\n", "y", "a" * 64)}, "name"),
        ({"evaluation": replace(EVALUATION, seed=2**53)}, "2"),
        ({"evaluation": replace(EVALUATION, attempt=Attempt(0, 15_198_177, "6" * 64))}, "attempt"),
        ({"evaluation": replace(EVALUATION, attempt=Attempt(1, 1, "6" * 64))}, "level"),
        ({"evaluation": replace(EVALUATION, seed=1.5)}, "float"),
        ({"evaluation": replace(EVALUATION, rows=5001)}, "More rows"),
        ({"evaluation": replace(EVALUATION, clusters=0)}, "clusters"),
        ({"evaluation": replace(EVALUATION, evidence={"screening": "8" * 64})}, "go together"),
        ({"expires_on": PARTS["issued_on"]}, "expires"),
        ({"attribution": replace(ATTRIBUTION, payable_gain=17_002)}, "More is payable"),
        ({"attribution": replace(ATTRIBUTION, payable_reason="x")}, "payable"),
        ({"attribution": replace(ATTRIBUTION, payable_gain=0)}, "reason why"),
        (
            {"findings": replace(FINDINGS, confirmation=replace(CONFIRMATION, confirmed=False))},
            "without a confirmation",
        ),
        (
            {
                "findings": replace(
                    FINDINGS,
                    confirmation=replace(
                        CONFIRMATION, interval=replace(CONFIRMATION.interval, low=-1)
                    ),
                )
            },
            "Confirmed, but",
        ),
        ({"findings": replace(FINDINGS, seed_spread=SeedSpread(3, 2, 1))}, "spread"),
        ({"contributions": (SHARES[0], replace(SHARES[1], value=(5, 9, 1)))}, "reversed"),
        ({"metrics": (ACCURACY,)}, "guardrail"),
        ({"metrics": (*PARTS["metrics"], replace(ACCURACY, name="f1"))}, "primary"),
        ({"metrics": (*PARTS["metrics"], ACCURACY)}, "twice"),
        ({"decision": DecisionRecord(POLICY, accepted=False, reason="accepted")}, "reason"),
        ({"decision": DecisionRecord(POLICY, accepted=True, reason="Good")}, "reason"),
        (
            {"decision": DecisionRecord(replace(POLICY, margin=20_000), True, "accepted")},
            "policy",
        ),
        (
            {"decision": DecisionRecord(replace(POLICY, minimum_gain=19_000), True, "accepted")},
            "policy",
        ),
        ({"decision": DecisionRecord(replace(POLICY, metric="log_loss"), True, "accepted")}, "pri"),
        ({"attribution": replace(ATTRIBUTION, method="")}, "method"),
    ],
)
def test_a_statement_that_contradicts_itself_is_refused(
    changes: dict[str, Any], match: str
) -> None:
    with pytest.raises(StatementError, match=match):
        statement(**changes)


def test_a_refusal_can_be_stated_without_reaching_the_policy() -> None:
    decision = DecisionRecord(replace(POLICY, margin=20_000), accepted=False, reason="below_margin")
    unconfirmed = replace(FINDINGS, confirmation=replace(CONFIRMATION, confirmed=False))

    made = statement(decision=decision, findings=unconfirmed, attribution=UNPAID)

    assert made["predicate"]["decision"]["accepted"] is False


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
