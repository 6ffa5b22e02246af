from typing import Any

import pytest

from experiments.models import Comparison
from tests.factories import (
    BenchmarkFactory,
    ComparisonFactory,
    DatasetVersionFactory,
    EvaluationFactory,
    ExperimentFactory,
    ModelVersionFactory,
    client_as,
    client_of,
    member,
)

pytestmark = pytest.mark.django_db
NUMBERS = [{"name": "x", "dtype": "number"}, {"name": "label", "dtype": "integer"}]


def test_a_benchmark_is_made_by_one_and_approved_by_another() -> None:
    rows = DatasetVersionFactory(columns=NUMBERS)
    maker = client_of(member(rows.project, "reviewer"))
    body = {
        "project": rows.project.slug,
        "slug": "holdout",
        "name": "Holdout",
        "dataset_version": rows.public_id,
        "label_column": "label",
        "guardrails": [{"metric": "log_loss", "margin_ppm": 20_000}],
    }
    made = maker.post("/api/v1/benchmarks", body)
    assert made.status_code == 201, made.content
    assert made.json()["status"] == "draft"
    assert made.json()["features"] == ["x"]
    url = f"/api/v1/benchmarks/{made.json()['id']}"
    assert maker.post(f"{url}/approve").json()["code"] == "same_person"
    approved = client_as(rows.project, "reviewer").post(f"{url}/approve")
    assert approved.json()["status"] == "approved"
    assert maker.post(f"{url}/retire").json()["status"] == "retired"


def test_a_benchmark_on_rows_of_another_project_is_as_if_they_were_absent() -> None:
    rows, elsewhere = DatasetVersionFactory(columns=NUMBERS), DatasetVersionFactory()
    body = {
        "project": rows.project.slug,
        "slug": "holdout",
        "name": "Holdout",
        "dataset_version": elsewhere.public_id,
        "label_column": "label",
    }
    assert client_as(rows.project).post("/api/v1/benchmarks", body).status_code == 404


def wish(comparison: Comparison) -> dict[str, str]:
    return {
        "benchmark": comparison.benchmark.public_id,
        "baseline": comparison.baseline.public_id,
        "candidate": comparison.candidate.public_id,
    }


def test_a_comparison_is_asked_for_and_waits_for_a_worker() -> None:
    benchmark = BenchmarkFactory()
    baseline = ModelVersionFactory(model__project=benchmark.project)
    candidate = ModelVersionFactory(model=baseline.model, parent=baseline)
    body = {
        "benchmark": benchmark.public_id,
        "baseline": baseline.public_id,
        "candidate": candidate.public_id,
    }
    answer = client_as(benchmark.project).post("/api/v1/comparisons", body)
    assert answer.status_code == 202
    assert answer.json()["status"] == "requested"
    assert answer.json()["job"].startswith("job_")


def test_the_same_pair_is_the_same_comparison() -> None:
    comparison = ComparisonFactory()
    client = client_as(comparison.project)
    answer = client.post("/api/v1/comparisons", wish(comparison))
    assert answer.json()["id"] == comparison.public_id
    assert Comparison.objects.count() == 1


def refused_comparison() -> Comparison:
    comparison = ComparisonFactory(
        status="refused", delta_ppm=4_000, low_ppm=-2_000, high_ppm=9_000, p_value=0.2
    )
    confusion = {"labels": ["0", "1"], "counts": [[1, 2], [3, 4]]}
    for role, version, score in (
        ("baseline", comparison.baseline, 903_000),
        ("candidate", comparison.candidate, 907_000),
    ):
        EvaluationFactory(
            comparison=comparison,
            version=version,
            role=role,
            scores={"accuracy": score},
            confusion=confusion,
        )
    return comparison


@pytest.mark.parametrize("role", ["viewer", "contributor", "engineer"])
def test_those_who_compete_see_a_refused_attempt_rounded(role: str) -> None:
    comparison = refused_comparison()
    client = client_as(comparison.project, role)
    result = client.get(f"/api/v1/comparisons/{comparison.public_id}").json()["result"]
    assert result["score_baseline"] == 900_000
    assert result["rounded"] is True
    for hidden in ("delta_ppm", "low_ppm", "high_ppm", "p_value"):
        assert result[hidden] is None
    assert result["confusions"] == []


def test_reviewers_see_a_refused_attempt_whole() -> None:
    comparison = refused_comparison()
    client = client_as(comparison.project, "reviewer")
    result = client.get(f"/api/v1/comparisons/{comparison.public_id}").json()["result"]
    assert result["score_candidate"] == 907_000
    assert result["delta_ppm"] == 4_000
    assert result["confusions"][0]["counts"] == [[1, 2], [3, 4]]


@pytest.mark.parametrize(("role", "score"), [("engineer", 910_000), ("reviewer", 907_000)])
def test_evaluations_tell_no_more_than_their_comparison(role: str, score: int) -> None:
    comparison = refused_comparison()
    client = client_as(comparison.project, role)
    url = f"/api/v1/evaluations?comparison={comparison.public_id}&role=candidate"
    row = client.get(url).json()["results"][0]
    assert row["score"] == score
    assert (row["outcomes_digest"] is None) == (role == "engineer")
    assert "confusion" not in row
    assert "scores" not in row


def test_an_experiment_is_opened_on_a_baseline_and_a_benchmark() -> None:
    benchmark = BenchmarkFactory()
    baseline = ModelVersionFactory(model__project=benchmark.project)
    body = {
        "name": "More rows",
        "hypothesis": "Rows help.",
        "baseline": baseline.public_id,
        "benchmark": benchmark.public_id,
    }
    answer = client_as(benchmark.project).post("/api/v1/experiments", body)
    assert answer.status_code == 201
    assert answer.json()["model_id"] == baseline.model.model_id


def test_comparisons_are_filtered_by_experiment() -> None:
    experiment = ExperimentFactory()
    wanted = ComparisonFactory(benchmark=experiment.benchmark, experiment=experiment)
    ComparisonFactory(benchmark=experiment.benchmark)
    client = client_as(experiment.project)
    answer = client.get(f"/api/v1/comparisons?experiment={experiment.public_id}").json()
    assert [row["id"] for row in answer["results"]] == [wanted.public_id]


@pytest.mark.parametrize("many", [1, 4])
@pytest.mark.parametrize(("path", "queries"), [("comparisons", 3), ("evaluations", 2)])
def test_listing_costs_the_same_for_one_as_for_many(
    django_assert_num_queries: Any, path: str, queries: int, many: int
) -> None:
    benchmark = BenchmarkFactory()
    for comparison in ComparisonFactory.create_batch(many, benchmark=benchmark):
        EvaluationFactory(comparison=comparison)
    client = client_as(benchmark.project)
    # The page, the evaluations of its comparisons, the roles of whoever asks.
    with django_assert_num_queries(queries):
        answer = client.get(f"/api/v1/{path}")
    assert len(answer.json()["results"]) == many
