import json
from typing import Any

import pytest

from experiments import services
from experiments.attempts import (
    NotInTheLog,
    alpha_e9,
    expected_number,
    ledger_of,
    next_number,
    open_attempt,
    place_in_log,
    record_of,
)
from experiments.choices import Split
from experiments.models import Attempt, Benchmark, Comparison
from hokusai.accounts.services import actor_of
from hokusai.core.errors import DomainError
from hokusai.transparency.models import LogLeaf, LogRecord
from tests.factories import (
    BenchmarkFactory,
    ComparisonFactory,
    ModelVersionFactory,
    RowDigestFactory,
    member,
)

pytestmark = pytest.mark.django_db
SCREENING, CONFIRMATION = Split.SCREENING, Split.CONFIRMATION


def ask(benchmark: Benchmark, **versions: Any) -> Comparison:
    model = ModelVersionFactory(model__project=benchmark.project).model
    given = {
        "baseline": ModelVersionFactory(model=model),
        "candidate": ModelVersionFactory(model=model),
    }
    return services.request_comparison(
        benchmark=benchmark, actor=actor_of(member(benchmark.project)), **(given | versions)
    )


def statement_of(comparison: Comparison, split: Split = SCREENING) -> dict[str, Any]:
    record = record_of(comparison, split)
    assert record is not None
    found: dict[str, Any] = json.loads(record.statement)
    return found


def test_an_attempt_is_logged_with_its_level_when_it_is_asked_for() -> None:
    benchmark = BenchmarkFactory()
    comparison = ask(benchmark)
    attempt = comparison.attempts.get()
    assert (attempt.number, attempt.alpha_e9, attempt.split) == (1, 15_198_177, "screening")
    stated = statement_of(comparison)
    assert stated["type"] == "urn:hokusai:log:attempt:v1"
    assert stated["ledger"] == {
        "project": benchmark.project.public_id,
        "rows": benchmark.dataset_version.rows_digest,
        "split": "screening",
    }
    assert (stated["number"], stated["alphaE9"]) == (1, 15_198_177)
    assert stated["candidate"] == comparison.candidate_digest
    assert (attempt.record.kind, attempt.record.subject) == ("attempt", comparison.public_id)
    assert attempt.record.previous == ""


def test_attempts_of_one_ledger_are_chained() -> None:
    benchmark = BenchmarkFactory()
    first, second, third = (ask(benchmark) for _ in range(3))
    assert [ask_.attempt for ask_ in (first, second, third)] == [1, 2, 3]
    assert third.attempts.get().record.previous == second.attempts.get().record.digest
    assert second.attempts.get().record.previous == first.attempts.get().record.digest


def test_a_ledger_goes_on_where_another_benchmark_shares_a_row() -> None:
    first, second = BenchmarkFactory(), None
    second = BenchmarkFactory(project=first.project)
    for benchmark in (first, second):
        RowDigestFactory(dataset_version=benchmark.dataset_version, inputs=b"r" * 32)
    before = ask(first)
    after = ask(second)
    assert after.attempts.get().number == 2
    assert after.attempts.get().record.previous == before.attempts.get().record.digest


def test_the_same_pair_is_one_attempt_and_what_fails_is_not_counted_again() -> None:
    benchmark = BenchmarkFactory()
    first = ask(benchmark)
    Comparison.objects.filter(pk=first.pk).update(status="failed")
    again = ask(benchmark, baseline=first.baseline, candidate=first.candidate)
    assert again == first
    assert Attempt.objects.count() == LogRecord.objects.count() == 1
    assert expected_number(benchmark) == 2


def test_rows_kept_to_confirm_have_a_ledger_of_their_own() -> None:
    benchmark = BenchmarkFactory()
    comparisons = [ask(benchmark) for _ in range(2)]
    assert next_number(benchmark, CONFIRMATION) == 1
    open_attempt(comparisons[1], CONFIRMATION, 1)
    assert expected_number(benchmark, CONFIRMATION) == 2
    assert expected_number(benchmark, SCREENING) == 3
    confirmed = ledger_of(benchmark, CONFIRMATION).get()
    assert confirmed.alpha_e9 == alpha_e9(benchmark, 1)
    assert confirmed.record.previous == ""
    assert statement_of(comparisons[1], CONFIRMATION)["ledger"]["split"] == "confirmation"


def test_an_attempt_has_its_place_before_anything_is_asked() -> None:
    comparison = ask(BenchmarkFactory())
    assert not LogLeaf.objects.exists()
    index = place_in_log(comparison, SCREENING)
    assert LogLeaf.objects.get(index=index).record == comparison.attempts.get().record
    assert place_in_log(comparison, SCREENING) == index


def test_without_an_attempt_there_is_no_place() -> None:
    with pytest.raises(NotInTheLog):
        place_in_log(ComparisonFactory(), SCREENING)


def test_two_statements_of_the_same_facts_have_different_digests() -> None:
    benchmark = BenchmarkFactory()
    comparison = ComparisonFactory(benchmark=benchmark)
    first = open_attempt(comparison, SCREENING, 1).record
    second = open_attempt(comparison, CONFIRMATION, 1).record
    nonces = {json.loads(record.statement)["nonce"] for record in (first, second)}
    assert len(nonces) == 2


def test_a_comparison_of_before_the_ledger_gets_its_attempt_when_it_is_tried_again() -> None:
    old = ComparisonFactory(status="requested")
    first = ask(old.benchmark)
    Comparison.objects.filter(pk=first.pk).update(status="failed")
    Attempt.objects.all().delete()
    again = ask(old.benchmark, baseline=first.baseline, candidate=first.candidate)
    assert again.attempts.get().number == first.attempt == 2


@pytest.mark.django_db(transaction=True)
def test_an_attempt_outside_a_transaction_is_refused() -> None:
    with pytest.raises(DomainError):
        open_attempt(ComparisonFactory(), SCREENING, 1)
