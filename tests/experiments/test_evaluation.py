from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from django.db.models.functions import Now
from pytest_django import Settings

from experiments import evaluation, services
from experiments import measuring as measuring_module
from experiments.algorithms.metrics import METRICS, score_ppm
from experiments.exceptions import BenchmarkInvalid
from experiments.models import Comparison, Evaluation
from experiments.outcomes import read_outcomes
from hokusai.accounts.services import actor_of
from hokusai.core import jobs, leases
from hokusai.core.models import Event, Job
from hokusai.runner.client import RunnerClient
from registry.models import LineageEdge, ModelVersion
from tests.measuring import HELD_OUT, Bench, Workshop, bench, digits, done, table, usable, work

pytestmark = pytest.mark.django_db
LOG_LOSS = {"metric": "log_loss", "margin_ppm": 50_000}


@pytest.fixture
def isolated(measuring: Workshop) -> Workshop:
    """The workshop, where the machine isolates well enough for code of strangers."""
    health = RunnerClient(measuring.socket_path).health()
    if health.tier == "C":
        pytest.skip(f"NOT TESTED: this machine offers no isolation: {health.warnings}")
    return measuring


def pair(measuring: Workshop, of: Bench, kind: str = "honest") -> tuple[ModelVersion, ModelVersion]:
    baseline = of.version(measuring.model("baseline"))
    return baseline, of.version(measuring.model(kind), parent=baseline)


def against_code(isolated: Workshop, source: str) -> Comparison:
    """A good baseline against a candidate whose code is given."""
    of = bench()
    return of.compare(of.version(isolated.model("baseline")), of.version(isolated.code(source)))


def test_two_honest_contributions_are_accepted_and_what_was_measured_is_kept(
    measuring: Workshop,
) -> None:
    of = bench(guardrails=[LOG_LOSS])
    comparison = of.compare(*pair(measuring, of))
    assert (comparison.status, comparison.reason) == ("accepted", "accepted")
    assert comparison.delta_ppm == 72_500
    assert comparison.low_ppm is not None
    assert comparison.low_ppm > 0
    rows = {row.role: row for row in comparison.evaluations.all()}
    assert set(rows) == {"baseline", "candidate"}
    for row in rows.values():
        outcomes = read_outcomes(row)
        assert {len(values) for values in outcomes.values()} == {800} == {row.row_count}
        again = {name: score_ppm(METRICS[name], values) for name, values in outcomes.items()}
        assert again == row.scores
        assert sum(map(sum, row.confusion["counts"])) == 800
    gain = rows["candidate"].scores["accuracy"] - rows["baseline"].scores["accuracy"]
    assert gain == comparison.delta_ppm


def test_a_row_of_outcomes_stands_where_its_row_stands_in_the_benchmark(
    measuring: Workshop,
) -> None:
    of = bench()
    comparison = of.compare(*pair(measuring, of))
    row = comparison.evaluations.get(role="candidate")
    kept = read_outcomes(row)["accuracy"][:, 0].tolist()
    answers = RunnerClient(measuring.socket_path).predict_once(
        project=of.project.slug,
        tree_digest=comparison.candidate_digest,
        columns=of.benchmark.features,
        matrix=np.ascontiguousarray(digits()[0][HELD_OUT]),
    )
    hits = np.array(answers.predictions()) == digits()[1][HELD_OUT]
    assert kept == (hits * 1_000_000).tolist()


def test_shifted_labels_are_refused_as_a_regression(measuring: Workshop) -> None:
    of = bench()
    comparison = of.compare(*pair(measuring, of, "shifted"))
    assert (comparison.status, comparison.reason) == ("refused", "regression")
    assert comparison.delta_ppm is not None
    assert comparison.delta_ppm < 0


def test_the_same_gain_is_refused_where_a_guardrail_allows_no_such_harm(
    measuring: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = bench(guardrails=[LOG_LOSS])
    baseline, candidate = pair(measuring, of)
    true_score = measuring_module.score

    def harmed(*args: Any) -> Any:
        found = true_score(*args)
        if harmed.calls:  # type: ignore[attr-defined]
            found.outcomes["log_loss"] += 1_000_000
        harmed.calls += 1  # type: ignore[attr-defined]
        return found

    harmed.calls = 0  # type: ignore[attr-defined]
    monkeypatch.setattr(measuring_module, "score", harmed)
    comparison = of.compare(baseline, candidate)
    assert (comparison.status, comparison.reason) == ("refused", "guardrail_failed")


def test_a_verdict_names_its_evaluator_and_is_told_to_lineage_tags_and_subscribers(
    measuring: Workshop, settings: Settings
) -> None:
    of = bench()
    comparison = of.compare(*pair(measuring, of))
    evaluator = comparison.statistics["evaluator"]
    assert evaluator["instance"] == settings.INSTANCE_NAME
    assert evaluator["isolation_tier"] == comparison.evaluations.first().isolation_tier
    into = LineageEdge.objects.filter(dst__public_id=comparison.public_id)
    assert sorted(into.values_list("kind", flat=True)) == ["compared", "compared", "measured_on"]
    looks = {look["method"]: look for look in comparison.statistics["looks"]}
    assert len(looks) == 3
    delta_ppm = comparison.statistics["delta_ppm"]
    assert all(look["low_ppm"] < delta_ppm < look["high_ppm"] for look in looks.values())
    tags = dict(comparison.candidate.tags.values_list("key", "value"))
    assert tags["hokusai.decision"] == "accepted"
    assert tags["hokusai.delta_percentage_points"] == "7.2500"
    event = Event.objects.get(tag="comparison:accepted")
    assert event.deliveries.filter(subscriber__endswith="CreditImprovement").exists()


def test_a_refused_candidates_tags_tell_no_difference(measuring: Workshop) -> None:
    of = bench()
    comparison = of.compare(*pair(measuring, of, "shifted"))
    assert set(comparison.candidate.tags.values_list("key", flat=True)) == {
        "hokusai.comparison",
        "hokusai.decision",
    }


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import time\ndef predict(frame):\n    time.sleep(60)", "in time"),
        ("def predict(frame):\n    held = bytearray(3 << 30)\n    return len(held)", "memory"),
        ("import os\ndef predict(frame):\n    os._exit(3)", "ended"),
        ("def predict(frame):\n    raise ValueError('the weights are gone')", "ValueError"),
        ("def predict(frame):\n    return [1.5] * len(frame)", "probabilities"),
    ],
    ids=["sleeps", "eats memory", "exits", "raises", "answers no classes"],
)
def test_a_model_that_misbehaves_ends_its_own_comparison_alone(
    isolated: Workshop, settings: Settings, source: str, said: str
) -> None:
    settings.EVALUATION_DEADLINE_S = 8.0
    of = bench()
    baseline = of.version(isolated.model("baseline"))
    failed = of.compare(baseline, of.version(isolated.code(source)))
    assert (failed.status, failed.reason) == ("failed", "evaluation_failed")
    assert said in failed.explanation
    assert "v2" in failed.explanation
    assert failed.job is not None
    assert failed.job.status == "failed"
    assert not failed.evaluations.exists()
    assert Event.objects.filter(tag="comparison:failed", subject=failed.public_id).exists()
    settings.EVALUATION_DEADLINE_S = 120.0
    assert of.compare(baseline, of.version(isolated.model("honest"))).status == "accepted"


def test_a_candidate_that_answers_by_the_place_of_a_row_is_found_out(isolated: Workshop) -> None:
    failed = against_code(
        isolated,
        """
        import numpy as np, pandas as pd
        def predict(frame):
            place = np.arange(len(frame)) % 10
            table = pd.DataFrame({f"probability.{k}": (place == k) * 1.0 for k in range(10)})
            table["prediction"] = place
            return table
        """,
    )
    assert failed.status == "failed"
    assert "another order" in failed.explanation


def test_while_the_runner_is_down_the_job_waits_and_nothing_is_said_of_the_model(
    measuring: Workshop, settings: Settings
) -> None:
    of = bench()
    baseline, candidate = pair(measuring, of)
    settings.RUNNER_SOCKET = f"{measuring.socket_path}.gone"
    comparison = of.compare(baseline, candidate)
    assert comparison.status == "requested"
    assert comparison.job is not None
    assert (comparison.job.status, comparison.job.attempt) == ("queued", 0)
    assert "does not answer" in comparison.job.last_error
    settings.RUNNER_SOCKET = measuring.socket_path
    Job.objects.update(run_after=Now())
    assert done(comparison).status == "accepted"


def crash_after(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, then: Callable[[], None]
) -> None:
    """Let `then` happen when a module of the evaluation calls `name` for the second time."""
    true, calls = getattr(module, name), []

    def patched(*args: Any, **options: Any) -> Any:
        calls.append(name)
        if len(calls) == 2:
            then()
        return true(*args, **options)

    monkeypatch.setattr(module, name, patched)


def die() -> None:
    raise KeyboardInterrupt


def test_a_worker_that_dies_half_way_leaves_one_result_to_the_next(
    measuring: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = bench()
    baseline, candidate = pair(measuring, of)
    crash_after(monkeypatch, measuring_module, "measure", die)
    with pytest.raises(KeyboardInterrupt):
        of.compare(baseline, candidate)
    comparison = Comparison.objects.get()
    assert comparison.status == "requested"
    assert comparison.job is not None
    assert comparison.job.status == "running"
    assert done(comparison).status == "requested", "the lease still runs: nobody else may begin"
    Job.objects.filter(pk=comparison.job.pk).update(lease_expires_at="2026-01-01T00:00Z")
    assert done(comparison).status == "accepted"
    assert Evaluation.objects.count() == 2
    assert Event.objects.filter(tag="comparison:accepted").count() == 1


def test_a_worker_whose_lease_was_taken_writes_nothing(
    measuring: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = bench()
    baseline, candidate = pair(measuring, of)

    def overtaken() -> None:
        job = Job.objects.get(kind="comparison")
        Job.objects.filter(pk=job.pk).update(lease_expires_at="2026-01-01T00:00Z")
        assert leases.claim(Job, job.pk) is not None

    crash_after(monkeypatch, evaluation, "keep_outcomes", overtaken)
    comparison = of.compare(baseline, candidate)
    assert comparison.status == "requested"
    assert not Evaluation.objects.exists()
    Job.objects.filter(kind="comparison").update(lease_expires_at="2026-01-01T00:00Z")
    assert done(comparison).status == "accepted"
    assert Evaluation.objects.count() == 2


def test_a_decided_comparison_is_not_decided_again(measuring: Workshop) -> None:
    of = bench()
    comparison = of.compare(*pair(measuring, of))
    Job.objects.filter(kind="comparison").update(status="queued")
    decided_at = comparison.decided_at
    again = done(comparison)
    assert again.decided_at == decided_at
    assert Evaluation.objects.count() == 2


def test_a_failed_comparison_that_is_asked_for_again_is_tried_again(
    measuring: Workshop, settings: Settings
) -> None:
    of = bench()
    baseline, candidate = pair(measuring, of)
    missing = candidate.tree_digest
    ModelVersion.objects.filter(pk=candidate.pk).update(tree_digest="0" * 64)
    candidate.refresh_from_db()
    failed = of.compare(baseline, candidate)
    assert failed.status == "failed"
    asked = services.request_comparison(
        benchmark=of.benchmark,
        baseline=baseline,
        candidate=candidate,
        actor=actor_of(of.engineer),
    )
    assert (asked.pk, asked.status, asked.attempt) == (failed.pk, "requested", 1)
    assert (asked.reason, asked.explanation) == ("", "")
    ModelVersion.objects.filter(pk=candidate.pk).update(tree_digest=missing)
    assert done(asked).status == "accepted"


def test_a_cancelled_comparison_ends_without_a_verdict(measuring: Workshop) -> None:
    of = bench()
    baseline, candidate = pair(measuring, of)
    asked = services.request_comparison(
        benchmark=of.benchmark, baseline=baseline, candidate=candidate, actor=actor_of(of.engineer)
    )
    Job.objects.filter(pk=asked.job_id).update(cancel_requested=True)
    comparison = done(asked)
    assert (comparison.status, comparison.explanation) == ("failed", "Cancelled on request.")


@pytest.mark.parametrize("policy", [{"metric": "log_loss"}, {"guardrails": [LOG_LOSS]}])
def test_too_few_rows_are_a_refusal_with_that_reason(
    measuring: Workshop, policy: dict[str, Any]
) -> None:
    of = bench(table(slice(0, 12)), **policy)
    comparison = of.compare(*pair(measuring, of))
    assert (comparison.status, comparison.reason) == ("refused", "too_few_rows")
    unbounded = comparison.statistics["guardrails"]
    assert not unbounded or unbounded[0]["harm_upper"] is None


def test_rows_without_a_label_make_no_benchmark(measuring: Workshop) -> None:
    lines = table(slice(0, 60)).splitlines()
    lines[1] = lines[1].rpartition(b",")[0] + b","
    with pytest.raises(BenchmarkInvalid, match="1 rows have no label"):
        bench(b"\n".join(lines))


def test_a_job_whose_comparison_is_gone_ends_with_that_reason(measuring: Workshop) -> None:
    job = jobs.enqueue("dataset_intake", subject="dsv_0", project_id=None)
    Job.objects.filter(pk=job.pk).update(kind="comparison")
    with pytest.raises(Comparison.DoesNotExist):
        work(job)


def test_benchmark_rows_survive_a_file_with_integers(measuring: Workshop) -> None:
    of = bench(table(slice(0, 100), whole=True))
    assert usable(of.project, table(slice(0, 100))).row_count == 100
    assert of.compare(*pair(measuring, of)).status in ("accepted", "refused")


def test_each_try_on_rows_seen_before_must_clear_a_higher_bar(measuring: Workshop) -> None:
    of = bench()
    baseline, candidate = pair(measuring, of)
    first = of.compare(baseline, candidate)
    # Half of the rows under another name and seed are no fresh start.
    draft = services.create_benchmark(
        project=of.project,
        slug="half",
        name="Half of the digits",
        dataset_version=usable(of.project, table(slice(400, 800))),
        label_column="label",
        actor=actor_of(of.engineer),
        seed=1,
    )
    half = services.approve_benchmark(benchmark_id=draft.pk, actor=actor_of(of.reviewer))
    second = replace(of, benchmark=half).compare(baseline, candidate)
    third = of.compare(baseline, of.version(measuring.model("shifted")))
    assert [row.attempt for row in (first, second, third)] == [1, 2, 3]
    spent = [row.statistics["alpha_e9"] for row in (first, second, third)]
    assert spent == [15_198_177, 3_799_544, 1_688_686]
    assert sum(spent) < of.benchmark.alpha * 1_000_000_000
