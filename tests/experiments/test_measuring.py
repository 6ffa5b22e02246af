"""Tasks, weights, clusters and slices through a whole comparison, with answers made here."""

from typing import Any

import numpy as np
import pytest

from experiments import evaluation, services
from experiments.exceptions import TrainingImpossible
from experiments.models import Comparison, Training
from experiments.seeds import SeedSpread
from hokusai.accounts.services import actor_of
from tests.answers import classes, content, numbers
from tests.factories import ModelVersionFactory, ProjectFactory, member
from tests.measuring import done, usable

pytestmark = pytest.mark.django_db


def compared(
    answering: dict[str, Any], before: Any, after: Any, control: Any = None, **policy: Any
) -> Comparison:
    project = ProjectFactory()
    draft = services.create_benchmark(
        project=project,
        slug="b",
        name="B",
        dataset_version=usable(project, content()),
        actor=actor_of(member(project, "engineer")),
        features=["x"],
        **({"label_column": "value"} | policy),
    )
    reviewer = actor_of(member(project, "reviewer"))
    benchmark = services.approve_benchmark(benchmark_id=draft.pk, actor=reviewer)
    baseline = ModelVersionFactory(model__project=project)
    candidate = ModelVersionFactory(model=baseline.model, parent=baseline)
    answering |= {baseline.tree_digest: before, candidate.tree_digest: after}
    if control is not None:
        training = Training.objects.create(
            project=project,
            model=baseline.model,
            benchmark=benchmark,
            recipe="none",
            seeds=[1],
            control=ModelVersionFactory(model=baseline.model),
            candidate=candidate,
            requested_by=member(project, "engineer"),
            status="trained",
        )
        assert training.control is not None
        answering[training.control.tree_digest] = control
    asked = services.request_comparison(
        benchmark=benchmark,
        baseline=baseline,
        candidate=candidate,
        actor=actor_of(member(project, "engineer")),
    )
    return done(asked)


def test_a_regression_is_decided_by_the_bootstrap(answering: dict[str, Any]) -> None:
    comparison = compared(
        answering,
        numbers(1.0),
        numbers(0.5),
        task="regression",
        metric="rmse",
        guardrails=[{"metric": "r2", "margin_ppm": 0}],
    )
    assert (comparison.status, comparison.explanation[:13]) == ("accepted", "The candidate")
    assert comparison.delta_ppm is not None
    assert comparison.delta_ppm > 400_000
    evidence = comparison.statistics["evidence"]
    assert evidence["rmse"]["form"] == "sums"
    assert set(evidence) == {"rmse", "r2"}
    assert comparison.evaluations.get(role="candidate").confusion == {}


def test_a_ranking_is_decided_by_its_groups(answering: dict[str, Any]) -> None:
    comparison = compared(
        answering,
        numbers(4.0),
        numbers(0.2),
        task="ranking",
        metric="ndcg@5",
        group_column="query",
    )
    assert comparison.status == "accepted", comparison.explanation
    assert comparison.statistics["clusters"] == 60


def test_few_clusters_are_a_refusal_however_many_rows(answering: dict[str, Any]) -> None:
    comparison = compared(
        answering,
        numbers(1.0),
        numbers(0.1),
        task="regression",
        metric="mae",
        cluster_column="region",
    )
    assert (comparison.status, comparison.reason) == ("refused", "too_few_clusters")


def test_slices_are_told_with_their_corrected_p(answering: dict[str, Any]) -> None:
    comparison = compared(
        answering,
        classes(4),
        classes(1),
        label_column="label",
        slice_columns=["region"],
        cluster_column="shop",
        weight_column="mass",
    )
    assert comparison.status == "accepted", comparison.explanation
    assert comparison.statistics["weighted"] is True
    slices = {row["value"]: row for row in comparison.statistics["slices"]}
    assert {name: row["n"] for name, row in slices.items()} == {"north": 180, "south": 60}
    assert all(row["p_holm"] >= row["p_value"] for row in slices.values())


def test_what_the_data_did_is_told_apart_from_the_engineering(
    answering: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    spread = SeedSpread((1, 2, 3), (9, 7, 8), (5, 4, 6), sd_ppm=1, min_ppm=7, max_ppm=9)
    monkeypatch.setattr(evaluation, "seed_spread", lambda *_, **__: spread)
    comparison = compared(
        answering, classes(6), classes(1), control=classes(4), label_column="label"
    )
    assert comparison.status == "accepted", comparison.explanation
    control = comparison.statistics["control"]
    assert control["data_effect_ppm"] == 249_999
    assert control["engineering_effect_ppm"] == 166_666
    assert control["data"]["low_ppm"] < 250_000 < control["data"]["high_ppm"]
    assert comparison.delta_ppm == 416_666
    roles = comparison.evaluations.values_list("role", flat=True)
    assert set(roles) == {"baseline", "candidate", "control"}
    assert comparison.statistics["seeds"]["deltas_ppm"] == [9, 7, 8]


def test_a_training_that_cannot_be_repeated_ends_no_comparison(
    answering: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any, **__: Any) -> None:
        raise TrainingImpossible("The recipe is gone.")

    monkeypatch.setattr(evaluation, "seed_spread", gone)
    comparison = compared(answering, classes(6), classes(1), label_column="label")
    assert comparison.status == "accepted"
    assert "seeds" not in comparison.statistics
    assert comparison.job is not None
    assert "without the spread over seeds: The recipe is gone." in comparison.job.log


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (lambda matrix: matrix[:-1, :1], "239 answered"),
        (lambda matrix: np.full((len(matrix), 1), np.nan), "not a finite number"),
        (classes(1), "answers classes"),
        (lambda matrix: np.arange(len(matrix), dtype=float)[:, None], "in another order"),
    ],
    ids=["wrong length", "nan", "classes", "by place"],
)
def test_answers_that_cannot_be_measured_end_the_comparison(
    answering: dict[str, Any], after: Any, said: str
) -> None:
    comparison = compared(answering, numbers(1.0), after, task="regression", metric="mae")
    assert (comparison.status, comparison.reason) == ("failed", "evaluation_failed")
    assert said in comparison.explanation
    assert not comparison.evaluations.exists()


def test_a_side_of_one_class_only_ends_the_comparison_with_that_reason(
    answering: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("experiments.services.benchmarks.check_labels", lambda *_: None)
    comparison = compared(answering, classes(2), classes(1), label_column="mass", metric="auroc")
    assert comparison.status == "failed"
    assert "no class" in comparison.explanation
