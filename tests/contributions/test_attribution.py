"""From what people gave to their shares; coalitions are fitted on digits by the runner's code."""

from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest
from pytest_django import Settings

from contributions import services
from contributions.algorithms import knn_shapley, leave_one_out, sampling, shapley
from contributions.models import Attestation, Attribution, Contribution, Improvement, Share
from experiments.models import Comparison, Confirmation, Evaluation
from hokusai.core import jobs
from hokusai.core.events import SYSTEM
from hokusai.core.models import Event, Job
from hokusai.runner.errors import ModelRaised, RunnerUnavailable
from hokusai.storage import stores
from tests.contributions.fitting import GAIN_PPM, Fits, fitting, gave, trained, worked
from tests.factories import ModelFactory, WalletFactory
from tests.measuring import Bench, bench, table, work

__all__ = ["fitting"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("long_lease")]
BASE = slice(400, 460)
ANNA, BEN, CARL = slice(460, 540), slice(540, 600), slice(600, 640)


@pytest.fixture
def of() -> Bench:
    return bench(table(slice(0, 400)), confirmation_ppm=200_000)


def recorded(comparison: Comparison) -> Improvement:
    found = services.record_improvement(comparison_id=comparison.pk, actor=SYSTEM)
    assert found is not None
    return found


def credited(comparison: Comparison) -> Improvement:
    """The improvement, once workers did all that was asked."""
    found = recorded(comparison)
    worked()
    return Improvement.objects.get(pk=found.pk)


def points(improvement: Improvement, *given: Contribution) -> list[int]:
    """Basis points of each, in the order of the arguments."""
    shares = dict(improvement.shares.values_list("contribution", "basis_points"))
    assert set(shares) <= {item.pk for item in given}
    return [shares.get(item.pk, 0) for item in given]


def values(improvement: Improvement) -> list[int]:
    return [item["value_ppm"] for item in improvement.attribution.values]


def test_a_confirmed_gain_is_attributed_by_retraining_and_is_payable(
    of: Bench, fitting: Fits
) -> None:
    anna, ben = gave(of, table(ANNA)), gave(of, table(BEN))
    comparison = trained(of, anna, ben, base=BASE)
    fitting.coalitions.clear()
    improvement = credited(comparison)
    attribution = improvement.attribution
    assert (attribution.status, attribution.method) == ("done", shapley.METHOD)
    assert (improvement.payable_ppm, improvement.payable_reason) == (GAIN_PPM - 10_000, "")
    assert sum(points(improvement, anna, ben)) == 10_000
    # The base is table 0; each coalition was fitted once.
    assert sorted(fitting.coalitions) == [(0,), (0, 1), (0, 1, 2), (0, 2)]
    assert attribution.evaluations == 4
    _values_sum_to_what_the_added_rows_did(comparison, improvement)
    _the_report_holds_it_all(attribution)
    assert Attestation.objects.get().improvement == improvement
    event = Event.objects.get(tag="improvement:attributed")
    assert event.after["payable_ppm"] == improvement.payable_ppm


def _values_sum_to_what_the_added_rows_did(
    comparison: Comparison, improvement: Improvement
) -> None:
    scores = {}
    for row in Evaluation.objects.filter(comparison=comparison):
        lines = stores["default"].get(row.outcomes_digest).split(b"\n")
        scores[row.role] = np.mean([orjson.loads(line)["accuracy"][0] for line in lines])
    gain = scores["candidate"] - scores["control"]
    assert abs(sum(values(improvement)) - gain) <= 2
    for share in Share.objects.all():
        assert share.low_ppm is not None
        assert 0 <= share.low_ppm < share.value_ppm < share.high_ppm


def _the_report_holds_it_all(attribution: Attribution) -> None:
    report = orjson.loads(stores["default"].get(attribution.report_digest))
    assert [item["mask"] for item in report["coalitions"]] == ["0x0", "0x1", "0x2", "0x3"]
    assert [person["newRows"] for person in report["persons"]] == [80, 60]
    assert sum(person["basisPoints"] for person in report["persons"]) == 10_000
    [batch] = attribution.batches.all()
    assert report["outcomes"] == [batch.outcomes_digest]
    assert report["reproduced"] is True


def test_a_copy_of_anothers_rows_earns_nothing_and_costs_nobody(of: Bench, fitting: Fits) -> None:
    anna, ben = gave(of, table(ANNA)), gave(of, table(BEN))
    alone = credited(trained(of, anna, ben, base=BASE))
    honest = values(alone)
    other = bench_again(of)
    given = [gave(other, table(part)) for part in (ANNA, BEN)]
    copier = gave(other, table(ANNA, whole=True, extra="mine"))
    liar = gave(other, table(BEN, shift=1))
    improvement = credited(trained(other, *given, copier, liar, base=BASE))
    assert values(improvement) == honest
    assert points(improvement, *given, copier, liar) == [*points(alone, anna, ben), 0, 0]
    removed = _removed(improvement)
    assert removed[copier.public_id] == {"new": 0, "givenBefore": 80}
    assert removed[liar.public_id] == {"new": 0, "givenBefore": 60}


def bench_again(of: Bench) -> Bench:
    """Another model on the same benchmark, to which nobody gave anything yet."""
    return replace(of, model=ModelFactory(project=of.project))


def _removed(improvement: Improvement) -> dict[str, dict[str, int]]:
    report = orjson.loads(stores["default"].get(improvement.attribution.report_digest))
    return {
        row["contribution"]: {"new": row["new"], "givenBefore": row["givenBefore"]}
        for row in report["rows"]
    }


def test_copies_of_the_baselines_own_rows_earn_nothing(of: Bench, fitting: Fits) -> None:
    anna = gave(of, table(ANNA))
    copier = gave(of, table(BASE))
    mixed = gave(of, table(slice(BASE.start, BASE.start + 30), shift=3))
    improvement = credited(trained(of, anna, copier, mixed, base=BASE))
    assert points(improvement, anna, copier, mixed) == [10_000, 0, 0]
    assert len(improvement.attribution.players) == 1


def test_one_person_gets_with_three_wallets_what_one_wallet_gets(of: Bench, fitting: Fits) -> None:
    anna, ben = gave(of, table(ANNA)), gave(of, table(BEN))
    one = credited(trained(of, anna, ben, base=BASE))
    other = bench_again(of)
    wallet = WalletFactory()
    wallets = [wallet, *(WalletFactory(contributor=wallet.contributor) for _ in range(2))]
    parts = [slice(460, 490), slice(490, 515), slice(515, 540)]
    split = [gave(other, table(part), wallet=own) for part, own in zip(parts, wallets, strict=True)]
    ben_again = gave(other, table(BEN))
    improvement = credited(trained(other, *split, ben_again, base=BASE))
    assert values(improvement) == values(one)
    found = points(improvement, *split, ben_again)
    assert [sum(found[:3]), found[3]] == points(one, anna, ben)
    # Within the person, by new rows.
    assert found[0] > found[1] == pytest.approx(found[2], abs=1)


def test_wallets_that_nobody_linked_are_persons_of_whom_all_get_no_more(
    of: Bench, fitting: Fits
) -> None:
    one = credited(trained(of, gave(of, table(ANNA)), gave(of, table(BEN)), base=BASE))
    other = bench_again(of)
    parts = [slice(460, 490), slice(490, 515), slice(515, 540), BEN]
    given = [gave(other, table(part)) for part in parts]
    apart = credited(trained(other, *given, base=BASE))
    assert len(apart.attribution.players) == 4
    assert sum(values(apart)) == pytest.approx(sum(values(one)), abs=6)
    assert apart.payable_ppm == one.payable_ppm


def test_rows_that_another_gave_unused_belong_to_nobody(of: Bench, fitting: Fits) -> None:
    gave(of, table(slice(ANNA.start, ANNA.start + 40)))
    anna, ben = gave(of, table(ANNA)), gave(of, table(BEN))
    comparison = trained(of, anna, ben, base=BASE)
    improvement = credited(comparison)
    report = orjson.loads(stores["default"].get(improvement.attribution.report_digest))
    assert report["ownerlessRows"] == 40
    assert report["reproduced"] is True
    # Everybody with nobody's rows is the candidate itself.
    assert improvement.attribution.evaluations == 5
    assert improvement.payable_ppm <= max(sum(values(improvement)) + 2, 0)


@pytest.mark.parametrize("kill", ["evaluate", "attribute"])
def test_a_worker_that_was_killed_is_repeated_and_nothing_is_doubled(
    of: Bench, fitting: Fits, monkeypatch: pytest.MonkeyPatch, kill: str
) -> None:
    comparison = trained(of, gave(of, table(ANNA)), gave(of, table(BEN)), base=BASE)
    improvement = recorded(comparison)
    killed: list[str] = []

    def die(*_: Any, **__: Any) -> Any:
        killed.append(kill)
        raise KeyboardInterrupt

    name = "keep_batch" if kill == "evaluate" else "keep_credit"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(f"contributions.attribution.{name}", die)
        worked()
    assert killed
    Job.objects.filter(status="running").update(lease_expires_at="2020-01-01T00:00Z")
    worked()
    improvement.refresh_from_db()
    assert improvement.attribution.status == "done"
    assert improvement.attribution.batches.count() == 1
    assert sum(improvement.shares.values_list("basis_points", flat=True)) == 10_000
    assert Event.objects.filter(tag="improvement:attributed").count() == 1
    assert Attestation.objects.count() == 1


def test_the_last_of_many_batches_lets_the_attribution_go_on(
    of: Bench, fitting: Fits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contributions.attribution.SMALLEST_BATCH", 1)
    monkeypatch.setattr("contributions.attribution.FEWEST_BATCHES", 4)
    improvement = recorded(trained(of, gave(of, table(ANNA)), gave(of, table(BEN)), base=BASE))
    jobs.run(improvement.attribution.job_id)
    batches = list(improvement.attribution.batches.order_by("number"))
    assert [batch.masks for batch in batches] == [[0], [1], [2], [3]]
    for batch in reversed(batches):
        assert not _waiting()
        jobs.run(batch.job_id)
    assert _waiting()
    worked()
    improvement.refresh_from_db()
    assert improvement.attribution.status == "done"


def _waiting() -> bool:
    return Job.objects.filter(kind="attribution", status="queued").exists()


def test_a_coalition_that_cannot_be_fitted_credits_nobody_until_it_can(
    of: Bench, fitting: Fits
) -> None:
    improvement = recorded(trained(of, gave(of, table(ANNA)), gave(of, table(BEN)), base=BASE))
    fitting.fail_with = ModelRaised("The model failed while being fitted.")
    worked()
    attribution = Attribution.objects.get()
    assert (attribution.status, attribution.explanation) == (
        "failed",
        "The model failed while being fitted.",
    )
    assert not Share.objects.exists()
    assert not Attestation.objects.exists()
    assert Event.objects.filter(tag="improvement:attribution-failed").count() == 1
    fitting.fail_with = None
    services.request_attribution(
        improvement_id=improvement.pk, method=attribution.method, actor=SYSTEM
    )
    worked()
    assert Attribution.objects.get().status == "done"
    assert Attestation.objects.count() == 1


def test_while_the_runner_is_down_the_coalitions_wait(of: Bench, fitting: Fits) -> None:
    recorded(trained(of, gave(of, table(ANNA)), base=BASE))
    fitting.fail_with = RunnerUnavailable("The runner does not answer.")
    worked()
    job = Job.objects.get(kind="coalitions")
    assert (job.status, Attribution.objects.get().status) == ("queued", "pending")


def test_a_fit_that_does_not_give_the_candidate_again_is_not_payable(
    of: Bench, fitting: Fits
) -> None:
    anna = gave(of, table(ANNA))
    comparison = trained(of, anna, base=BASE)
    control, candidate = (
        Evaluation.objects.get(comparison=comparison, role=role)
        for role in ("control", "candidate")
    )
    digest, root = control.outcomes_digest, control.outcomes_root
    Evaluation.objects.filter(pk=candidate.pk).update(outcomes_digest=digest, outcomes_root=root)
    improvement = credited(comparison)
    assert (improvement.payable_ppm, improvement.payable_reason) == (0, "not_reproduced")


def test_what_the_kept_rows_did_not_confirm_is_not_payable(of: Bench, fitting: Fits) -> None:
    comparison = trained(of, gave(of, table(ANNA)), base=BASE)
    Confirmation.objects.update(status="unconfirmed")
    improvement = credited(comparison)
    assert (improvement.payable_ppm, improvement.payable_reason) == (0, "unconfirmed")
    assert Share.objects.get().basis_points == 10_000


def test_without_rows_kept_to_confirm_nothing_is_payable(fitting: Fits) -> None:
    of = bench(table(slice(0, 400)))
    comparison = trained(of, gave(of, table(ANNA)), base=BASE, confirmed=False)
    improvement = credited(comparison)
    assert (improvement.payable_ppm, improvement.payable_reason) == (0, "no_confirmation_split")


def test_who_makes_it_worse_gets_nothing_and_nobody_above_zero_is_no_share(
    of: Bench, fitting: Fits
) -> None:
    liar = gave(of, table(ANNA, shift=1))
    improvement = credited(trained(of, liar, base=BASE))
    assert values(improvement)[0] < 0
    assert not improvement.shares.exists()
    assert (improvement.payable_ppm, improvement.payable_reason) == (0, "no_positive_share")


def test_at_most_what_the_added_rows_did_is_payable(of: Bench, fitting: Fits) -> None:
    comparison = trained(of, gave(of, table(ANNA)), base=BASE)
    Comparison.objects.update(statistics={"control": {"data_effect_ppm": 30_000}})
    assert credited(comparison).payable_ppm == 30_000


def test_other_methods_say_what_they_say_and_change_no_share(of: Bench, fitting: Fits) -> None:
    improvement = credited(trained(of, gave(of, table(ANNA)), gave(of, table(BEN)), base=BASE))
    shares = list(Share.objects.values())
    for method in (knn_shapley.METHOD, leave_one_out.METHOD, "row-weights/1"):
        services.request_attribution(improvement_id=improvement.pk, method=method, actor=SYSTEM)
    worked()
    others = {row.method: row for row in improvement.attribution.alternatives.all()}
    assert {row.status for row in others.values()} == {"done"}
    assert sum(item["basis_points"] for item in others["row-weights/1"].values) == 10_000
    assert all(item["value_ppm"] > 0 for item in others[knn_shapley.METHOD].values)
    assert others[leave_one_out.METHOD].evaluations == 4
    assert list(Share.objects.values()) == shares
    assert Attestation.objects.count() == 1
    assert Event.objects.filter(tag="improvement:estimated").count() == 3


def test_nearest_neighbours_decide_where_a_setting_says_so_and_pay_nothing(
    of: Bench, fitting: Fits, settings: Settings
) -> None:
    settings.ATTRIBUTION_METHOD = knn_shapley.METHOD
    comparison = trained(of, gave(of, table(ANNA)), gave(of, table(BEN)), base=BASE)
    fitting.coalitions.clear()
    improvement = credited(comparison)
    assert not fitting.coalitions
    assert (improvement.method, improvement.payable_reason) == (
        knn_shapley.METHOD,
        "indicative_method",
    )
    assert sum(improvement.shares.values_list("basis_points", flat=True)) == 10_000


def test_above_ten_persons_orders_are_sampled_with_a_bound(
    of: Bench, fitting: Fits, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shapley, "MAX_EXACT", 2)
    settings.ATTRIBUTION_MAX_PAIRS = 2
    given = [gave(of, table(part)) for part in (ANNA, BEN, CARL)]
    comparison = trained(of, *given, base=BASE)
    fitting.coalitions.clear()
    improvement = credited(comparison)
    attribution = improvement.attribution
    assert (attribution.status, attribution.method) == ("done", sampling.METHOD)
    assert attribution.error_bound_ppm > 0
    assert attribution.batches.count() > 1
    assert len(fitting.coalitions) == len(set(fitting.coalitions)) == attribution.evaluations
    assert improvement.payable_ppm > 0 or improvement.payable_reason == "no_positive_share"


def test_a_hundred_and_one_persons_are_refused_with_the_limit(
    of: Bench, fitting: Fits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contributions.algorithms.coalitions.MAX_PLAYERS", 1)
    credited(trained(of, gave(of, table(ANNA)), gave(of, table(BEN)), base=BASE))
    attribution = Attribution.objects.get()
    assert attribution.status == "failed"
    assert "2 persons contributed; credit is attributed among at most 1" in attribution.explanation


@pytest.mark.parametrize("kind", ["attribution", "coalitions"])
def test_a_job_whose_rows_are_gone_says_so(kind: str) -> None:
    job = work(jobs.enqueue(kind, subject="atr_0", project_id=None))
    assert job.status == "failed"
    assert "gone" in job.last_error
