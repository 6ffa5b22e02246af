"""The rest, from signing on, is in test_signing.py."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from contributions.algorithms.statement import StatementError
from contributions.attesting import ask_for_attestation
from contributions.models import Attribution, Improvement
from contributions.statements import statement_of
from experiments.choices import EvaluationRole
from hokusai.core.canonical import canonical_bytes, sha256_hex
from tests.contributions.deciding import confirmed, credited, decided
from tests.factories import ImprovementFactory, ShareFactory
from tests.measuring import HELD_OUT, Bench, bench, table

pytestmark = pytest.mark.django_db
ROWS = 200
CONTROL = {"baseline": 60, "control": 65, "candidate": 80}


@pytest.fixture
def of() -> Bench:
    return bench(
        table(slice(HELD_OUT.start, HELD_OUT.start + ROWS)),
        guardrails=[{"metric": "log_loss", "margin_ppm": 50_000}],
    )


@pytest.fixture
def improvement(of: Bench) -> Improvement:
    return credited(decided(of))


def predicate_of(improvement: Improvement) -> dict[str, Any]:
    predicate: dict[str, Any] = statement_of(improvement)["predicate"]
    return predicate


def test_a_statement_names_both_artifacts_the_rows_and_the_evaluator(
    improvement: Improvement,
) -> None:
    statement = statement_of(improvement)
    predicate = statement["predicate"]
    [subject] = statement["subject"]
    comparison, candidate = improvement.comparison, improvement.candidate
    benchmark = comparison.benchmark
    assert subject["digest"]["sha256"] == candidate.tree_digest
    assert subject["name"] == f"{candidate.model.model_id} v{candidate.number}"
    assert predicate["baseline"]["digest"]["sha256"] == improvement.baseline.tree_digest
    assert predicate["benchmark"] == {
        "id": benchmark.public_id,
        "digest": {"sha256": benchmark.dataset_version.rows_digest},
        "specDigest": {"sha256": benchmark.spec_digest},
        "sampleCount": ROWS,
    }
    evaluation = predicate["evaluation"]
    assert (evaluation["rows"], evaluation["weighted"]) == (ROWS, False)
    assert evaluation["evaluator"]["isolationTier"] == "A"
    roots = dict(comparison.evaluations.values_list("role", "outcomes_root"))
    assert evaluation["outcomes"] == {role: {"sha256": root} for role, root in roots.items()}
    evidence = canonical_bytes(comparison.statistics["evidence"])
    assert evaluation["evidence"] == {"screening": {"sha256": sha256_hex(evidence)}}


def test_the_attempt_is_the_one_in_the_log(improvement: Improvement) -> None:
    attempt = improvement.comparison.attempts.get()
    assert predicate_of(improvement)["evaluation"]["attempt"] == {
        "number": 1,
        "alphaE9": attempt.alpha_e9,
        "record": {"sha256": attempt.record.digest},
    }


def test_numbers_are_those_that_were_decided_on(improvement: Improvement) -> None:
    statistics = improvement.comparison.statistics
    metrics = {m["name"]: m for m in predicate_of(improvement)["metrics"]}
    accuracy, log_loss = metrics["accuracy"], metrics["log_loss"]
    assert accuracy["primary"]
    assert (accuracy["baseline"], accuracy["candidate"]) == (600_000, 800_000)
    assert accuracy["delta"] == improvement.delta_ppm == 200_000
    assert accuracy["interval"]["low"] == statistics["interval_low"]
    assert accuracy["test"]["alphaE9"] == statistics["alpha_e9"]
    assert accuracy["discordant"] == {"baselineOnly": 0, "candidateOnly": 40}
    assert not log_loss["primary"]
    assert log_loss["delta"] > 0
    assert log_loss["guardrail"]["margin"] == 50_000
    assert log_loss["guardrail"]["passed"]


def test_with_a_control_the_datas_effect_is_told_from_engineering(of: Bench) -> None:
    predicate = predicate_of(credited(decided(of, **CONTROL)))
    assert predicate["credit"] == {"dataEffect": 150_000, "engineeringEffect": 50_000}
    assert set(predicate["evaluation"]["outcomes"]) == {role.value for role in EvaluationRole}


def test_a_confirmation_is_stated_with_its_own_attempt_and_roots() -> None:
    of = bench(table(slice(HELD_OUT.start, HELD_OUT.start + 400)), confirmation_ppm=400_000)
    comparison = decided(of)
    improvement = credited(comparison)
    with pytest.raises(StatementError, match="not asked yet"):
        statement_of(improvement)
    confirmation = confirmed(comparison)
    payable = min(improvement.delta_ppm, confirmation.delta_ppm or 0)
    improvement.payable_ppm, improvement.payable_reason = payable, ""
    stated = predicate_of(improvement)
    found = stated["confirmation"]
    assert found["confirmed"]
    assert found["delta"] == confirmation.delta_ppm
    assert found["rows"] + stated["evaluation"]["rows"] == 400
    attempt = comparison.attempts.get(split="confirmation")
    assert found["attempt"]["record"] == {"sha256": attempt.record.digest}
    assert found["outcomes"] != stated["evaluation"]["outcomes"]
    assert set(stated["evaluation"]["evidence"]) == {"screening", "confirmation"}
    assert stated["attribution"]["payableGain"] == payable > 0


def test_without_rows_to_confirm_the_reason_is_stated(improvement: Improvement) -> None:
    predicate = predicate_of(improvement)
    assert predicate["confirmation"] == {"absent": "no_split"}
    assert predicate["attribution"]["payableReason"] == "not-confirmed"


def test_a_spread_over_seeds_is_stated(improvement: Improvement) -> None:
    improvement.comparison.statistics["seeds"] = {
        "seeds": [1, 2, 3],
        "min_ppm": 180_000,
        "max_ppm": 220_000,
    }
    spread = predicate_of(improvement)["seedSpread"]
    assert spread == {"seeds": 3, "lowest": 180_000, "highest": 220_000}


def test_the_attribution_is_stated_with_its_report(improvement: Improvement) -> None:
    Attribution.objects.create(
        improvement=improvement,
        method="exact-shapley/1",
        status="done",
        evaluations=4,
        error_bound_ppm=7,
        report_digest="a" * 64,
    )
    stated = predicate_of(improvement)["attribution"]
    assert (stated["evaluations"], stated["errorBound"]) == (4, 7)
    assert stated["report"] == {"sha256": "a" * 64}


def test_shares_name_address_rows_licence_worth_and_root(improvement: Improvement) -> None:
    first = improvement.shares.first()
    first.value_ppm, first.low_ppm, first.high_ppm = 120_000, 80_000, 160_000
    first.save()
    first.contribution.disclosure_root = "b" * 64
    first.contribution.save()
    listed = predicate_of(improvement)["contributions"]
    given = {share.contribution.public_id: share for share in improvement.shares.all()}
    assert {item["id"] for item in listed} == set(given)
    for item in listed:
        share = given[item["id"]]
        assert item["contributor"] == f"eip155:1:{share.contribution.wallet.address}"
        assert item["weightBps"] == share.basis_points
        assert item["rows"] == share.contribution.dataset_version.row_count
        assert item["licence"] == "MIT"
    [measured] = [item for item in listed if item["id"] == first.contribution.public_id]
    assert (measured["value"], measured["low"], measured["high"]) == (120_000, 80_000, 160_000)
    assert measured["disclosureRoot"] == {"sha256": "b" * 64}


def test_the_statement_depends_on_no_order_of_rows(of: Bench) -> None:
    improvement = credited(decided(of), 5_000, 5_000)
    before = predicate_of(improvement)["contributions"]
    # Equal shares come in any order: the first becomes the last that was written.
    first = improvement.shares.order_by("pk")[0]
    first.delete()
    ShareFactory(improvement=improvement, contribution=first.contribution, basis_points=5_000)
    assert predicate_of(Improvement.objects.get(pk=improvement.pk))["contributions"] == before


def test_it_holds_as_long_as_the_settings_say(improvement: Improvement, settings: Settings) -> None:
    settings.ATTESTATION_VALID_DAYS = 30
    attestation = improvement.attestation
    attestation.issued_at = attestation.created_at.replace(microsecond=0)
    attestation.expires_at = attestation.issued_at + timedelta(days=1)
    stated = predicate_of(improvement)
    assert stated["issuedOn"] == f"{attestation.issued_at:%Y-%m-%dT%H:%M:%SZ}"
    assert stated["expiresOn"] == f"{attestation.expires_at:%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize(
    "change",
    [
        {"delta": lambda s: s.update(candidate_score=s["candidate_score"] + 1, interval_low=-1)},
        {"p": lambda s: s.update(p_e9=s["alpha_e9"] + 2)},
        {"interval": lambda s: s.update(interval_low=s["interval_high"] + 1)},
        {"guardrail": lambda s: s["guardrails"][0].update(passed=False)},
        {"tier": lambda s: s["evaluator"].update(isolation_tier="Z")},
        {"evidence": lambda s: s.pop("evidence")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_numbers_that_do_not_support_the_decision_make_no_statement(
    improvement: Improvement, change: dict[str, Callable[[dict[str, Any]], None]]
) -> None:
    next(iter(change.values()))(improvement.comparison.statistics)
    with pytest.raises(StatementError):
        statement_of(improvement)


def test_shares_that_are_not_the_whole_make_no_statement(of: Bench) -> None:
    improvement = credited(decided(of), 6_000, 3_999)
    with pytest.raises(StatementError, match="sum to 9999"):
        statement_of(improvement)


def test_more_than_a_hundred_contributors_make_no_statement(of: Bench) -> None:
    improvement = credited(decided(of), 9_900, *[1] * 100)
    with pytest.raises(StatementError, match="at most 100 contributors"):
        statement_of(improvement)


def test_a_gain_that_nobody_is_credited_with_has_a_statement(of: Bench) -> None:
    improvement = credited(decided(of))
    improvement.shares.all().delete()
    assert predicate_of(improvement)["contributions"] == []


def test_what_was_measured_before_attempts_were_logged_has_no_statement() -> None:
    improvement = ImprovementFactory(
        comparison__statistics={"n": 1, "evaluator": {**dict.fromkeys(("instance",), "x")}}
    )
    ask_for_attestation(improvement)
    with pytest.raises((StatementError, LookupError)):
        statement_of(improvement)
