import pytest

from experiments.choices import Split
from experiments.models import Attempt, Comparison, Confirmation
from experiments.recomputation import recomputed
from hokusai.core.models import Event, Job
from registry.models import ModelVersion
from tests.measuring import Bench, Workshop, bench, work

pytestmark = pytest.mark.django_db


def accepted(measuring: Workshop, of: Bench) -> Comparison:
    baseline = of.version(measuring.model("baseline"))
    comparison = of.compare(baseline, of.version(measuring.model("honest"), parent=baseline))
    assert comparison.status == "accepted", comparison.explanation
    return comparison


def confirmed(comparison: Comparison) -> Confirmation:
    confirmation = comparison.confirmation
    work(confirmation.job)
    confirmation.refresh_from_db()
    return confirmation


def test_what_was_accepted_is_confirmed_on_rows_that_decided_nothing(measuring: Workshop) -> None:
    of = bench(confirmation_ppm=300_000, guardrails=[{"metric": "log_loss", "margin_ppm": 50_000}])
    comparison = accepted(measuring, of)
    assert comparison.statistics["n"] == 560
    assert {row.row_count for row in comparison.evaluations.all()} == {560}
    assert comparison.confirmation.status == "requested"
    attempts = Attempt.objects.order_by("pk")
    assert [(row.split, row.number) for row in attempts] == [("screening", 1), ("confirmation", 1)]
    confirmation = confirmed(comparison)
    assert confirmation.status == "confirmed"
    assert confirmation.statistics["n"] == 240
    assert confirmation.statistics["guardrails"] == []
    assert list(confirmation.statistics["evidence"]) == ["accuracy"]
    assert confirmation.low_ppm is not None
    assert confirmation.low_ppm > 0
    kept = comparison.evaluations.filter(split="confirmation")
    assert {row.role: row.row_count for row in kept} == {"baseline": 240, "candidate": 240}
    event = Event.objects.get(tag="comparison:confirmed")
    assert (event.subject, event.after) == (comparison.public_id, {"status": "confirmed"})


def test_a_gain_that_the_kept_rows_do_not_show_is_unconfirmed(measuring: Workshop) -> None:
    comparison = accepted(measuring, bench(confirmation_ppm=37_500))
    confirmation = confirmed(comparison)
    assert (confirmation.status, confirmation.statistics["n"]) == ("unconfirmed", 30)
    comparison.refresh_from_db()
    assert comparison.status == "accepted"
    event = Event.objects.get(tag="comparison:unconfirmed")
    assert event.after == {"status": "unconfirmed"}


def test_without_a_share_nothing_is_confirmed(measuring: Workshop) -> None:
    comparison = accepted(measuring, bench())
    assert not Confirmation.objects.exists()
    assert not Job.objects.filter(kind="confirmation").exists()
    assert comparison.statistics["n"] == 800


def test_a_refused_comparison_never_touches_the_kept_rows(measuring: Workshop) -> None:
    of = bench(confirmation_ppm=300_000)
    baseline = of.version(measuring.model("baseline"))
    refused = of.compare(baseline, of.version(measuring.model("shifted")))
    assert refused.status == "refused"
    assert not Confirmation.objects.exists()
    assert not Attempt.objects.filter(split="confirmation").exists()


def test_a_confirmation_that_failed_is_tried_again_on_the_same_attempt(
    measuring: Workshop,
) -> None:
    comparison = accepted(measuring, bench(confirmation_ppm=300_000))
    digest = comparison.candidate.tree_digest
    ModelVersion.objects.filter(pk=comparison.candidate_id).update(tree_digest="0" * 64)
    confirmation = confirmed(comparison)
    assert confirmation.status == "failed"
    assert confirmation.explanation
    assert Event.objects.filter(tag="comparison:confirmation-failed").exists()
    ModelVersion.objects.filter(pk=comparison.candidate_id).update(tree_digest=digest)
    Job.objects.filter(pk=confirmation.job_id).update(status="queued")
    assert confirmed(Comparison.objects.get(pk=comparison.pk)).status == "confirmed"
    assert Attempt.objects.filter(split="confirmation").count() == 1
    decided_at = comparison.confirmation.decided_at
    Job.objects.filter(pk=confirmation.job_id).update(status="queued")
    assert confirmed(Comparison.objects.get(pk=comparison.pk)).decided_at == (
        Confirmation.objects.get().decided_at
    )
    assert decided_at is None


def test_both_verdicts_are_repeated_from_what_was_kept(measuring: Workshop) -> None:
    comparison = accepted(measuring, bench(confirmation_ppm=300_000))
    confirmation = confirmed(comparison)
    for split, statistics in (
        (Split.SCREENING, comparison.statistics),
        (Split.CONFIRMATION, confirmation.statistics),
    ):
        again = recomputed(comparison, split)
        assert again.evidence == statistics["evidence"]
        assert again.decision.accepted
        assert (again.decision.delta_ppm, again.decision.p_e9, again.decision.interval_low) == (
            statistics["delta_ppm"],
            statistics["p_e9"],
            statistics["interval_low"],
        )
        kept = comparison.evaluations.filter(split=split)
        assert again.roots == dict(kept.values_list("role", "outcomes_root"))
