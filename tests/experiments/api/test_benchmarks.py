from typing import Any

import pytest

from experiments import services
from experiments.models import Benchmark, Confirmation
from hokusai.accounts.services import actor_of
from tests.factories import (
    BenchmarkFactory,
    ComparisonFactory,
    DatasetVersionFactory,
    EvaluationFactory,
    ModelVersionFactory,
    client_as,
    member,
)

pytestmark = pytest.mark.django_db
COLUMNS = [
    {"name": "x", "dtype": "number"},
    {"name": "query", "dtype": "integer"},
    {"name": "region", "dtype": "text"},
    {"name": "label", "dtype": "integer"},
]


def facts(rows: int, label: Any = None, query: int = 40) -> dict[str, Any]:
    return {
        "rows": rows,
        "columns": [
            {"name": "query", "type": "integer", "missing": 0, "distinct": query},
            {"name": "region", "type": "text", "missing": 0, "distinct": 3},
            {"name": "label", "type": "integer", "missing": 0, "distinct": 2, "min": 0, "max": 1}
            | (label or {}),
        ],
        "label": None,
    }


def make(rows: int = 800, label: Any = None, **body: Any) -> tuple[Any, Any]:
    version = DatasetVersionFactory(
        columns=COLUMNS, row_count=rows, statistics=facts(rows, label, rows // 10)
    )
    sent = {
        "project": version.project.slug,
        "slug": "b",
        "name": "B",
        "dataset_version": version.public_id,
        "label_column": "label",
        "features": ["x"],
        **body,
    }
    return version.project, client_as(version.project).post("/api/v1/benchmarks", sent)


def test_rows_are_kept_to_confirm_unless_said_otherwise() -> None:
    for rows, body, kept in (
        (800, {}, 300_000),
        (800, {"confirmation_ppm": 0}, 0),
        (800, {"confirmation_ppm": None}, 300_000),
        (200, {}, 0),
    ):
        _, answer = make(rows, **body)
        assert answer.status_code == 201, answer.content
        assert answer.json()["confirmation_ppm"] == kept


def test_a_ranking_states_its_groups_and_tells_the_metrics_direction_and_unit() -> None:
    _, answer = make(
        task="ranking",
        metric="ndcg@5",
        group_column="query",
        slice_columns=["region"],
    )
    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert (told["direction"], told["unit"]) == ("higher", "share of the ideal gain")
    assert (told["group_column"], told["slice_columns"]) == ("query", ["region"])
    assert told["confirmation_ppm"] == 0, "24 of 80 queries are too few to confirm with"


def test_the_salt_that_splits_the_rows_is_in_no_answer() -> None:
    project, answer = make()
    salt = Benchmark.objects.get().split_salt
    assert len(salt) == 64
    listed = client_as(project, "reviewer").get("/api/v1/benchmarks")
    assert salt not in answer.content.decode() + listed.content.decode()


@pytest.mark.parametrize(
    ("label", "body", "said"),
    [
        ({"missing": 2}, {}, "2 rows have no label"),
        ({"distinct": 1}, {}, "one class"),
        ({"distinct": 3}, {"metric": "auroc"}, "two classes"),
        ({}, {"metric": "mae"}, "Metrics of a classification"),
        ({}, {"metric": "nothing"}, "Unknown metric"),
        ({}, {"task": "regression"}, "Metrics of a regression"),
        ({}, {"cluster_column": "absent"}, "no column 'absent'"),
        ({}, {"weight_column": "region"}, "finite numbers"),
        ({}, {"confirmation_ppm": 10_000}, "8 would be kept"),
    ],
    ids=str,
)
def test_a_benchmark_that_could_decide_nothing_is_refused_in_words(
    label: dict[str, Any], body: dict[str, Any], said: str
) -> None:
    _, answer = make(label=label, **body)
    assert (answer.status_code, answer.json()["code"]) == (400, "benchmark_invalid")
    assert said in answer.json()["message"]


def test_the_ledger_is_for_reviewers() -> None:
    benchmark = BenchmarkFactory()
    model = ModelVersionFactory(model__project=benchmark.project).model
    asker = member(benchmark.project)
    for _ in range(2):
        services.request_comparison(
            benchmark=benchmark,
            baseline=ModelVersionFactory(model=model),
            candidate=ModelVersionFactory(model=model),
            actor=actor_of(asker),
        )
    url = f"/api/v1/benchmarks/{benchmark.public_id}/attempts"
    second, first = client_as(benchmark.project, "reviewer").get(url).json()
    assert [line["number"] for line in (first, second)] == [1, 2]
    assert second["previous"] == first["record_digest"]
    assert (second["requested_by"], second["result"]) == (asker.username, "requested")
    assert (second["split"], second["alpha_e9"]) == ("screening", 3_799_544)
    assert second["record"].startswith("rec_")
    assert second["log_index"] is None
    for role in ("engineer", "owner", "contributor", "viewer"):
        assert client_as(benchmark.project, role).get(url).status_code == 403


def test_the_ledger_costs_the_same_for_one_as_for_many(django_assert_max_num_queries: Any) -> None:
    benchmark = BenchmarkFactory()
    model = ModelVersionFactory(model__project=benchmark.project).model
    asker = actor_of(member(benchmark.project))
    for _ in range(4):
        services.request_comparison(
            benchmark=benchmark,
            baseline=ModelVersionFactory(model=model),
            candidate=ModelVersionFactory(model=model),
            actor=asker,
        )
    client = client_as(benchmark.project, "reviewer")
    with django_assert_max_num_queries(7):
        lines = client.get(f"/api/v1/benchmarks/{benchmark.public_id}/attempts").json()
    assert len(lines) == 4


def test_power_is_planned_for_the_next_attempt_or_any_other() -> None:
    benchmark = BenchmarkFactory(minimum_gain_ppm=0, margin_ppm=10_000)
    benchmark.dataset_version.row_count = 800
    benchmark.dataset_version.save()
    ComparisonFactory(benchmark=benchmark)
    client = client_as(benchmark.project, "viewer")
    url = f"/api/v1/benchmarks/{benchmark.public_id}/power"
    told = client.get(url).json()
    assert (told["attempt"], told["rows"], told["alpha_e9"]) == (2, 800, 3_799_544)
    assert told["sentence"].startswith("This would be attempt 2")
    first = client.get(url, {"attempt": 1, "gain_ppm": 30_000}).json()
    assert first["rows_needed"] == pytest.approx(2_239, abs=20)
    assert client.get(url, {"gain_ppm": 0}).status_code == 400
    wrong = client.get(url, {"gain_ppm": 200_000})
    assert wrong.json()["code"] == "benchmark_invalid"


def confirmed(status: str) -> Any:
    comparison = ComparisonFactory(
        status="accepted",
        delta_ppm=50_000,
        statistics={
            "n": 560,
            "evidence": {"accuracy": {"form": "counts"}},
            "slices": [
                {
                    "column": "region",
                    "value": "north",
                    "n": 200,
                    "baseline_score": 1,
                    "candidate_score": 2,
                    "delta_ppm": 1,
                    "low": 0,
                    "high": 2,
                    "p_value": 0.5,
                    "p_holm": 1.0,
                }
            ],
        },
    )
    Confirmation.objects.create(
        comparison=comparison, status=status, delta_ppm=41_000, low_ppm=9_000, high_ppm=70_000
    )
    for split, score in (("screening", 900_000), ("confirmation", 123_456)):
        EvaluationFactory(comparison=comparison, split=split, scores={"accuracy": score})
    return comparison


@pytest.mark.parametrize(
    ("status", "role", "delta"),
    [
        ("confirmed", "engineer", 41_000),
        ("unconfirmed", "engineer", None),
        ("unconfirmed", "reviewer", 41_000),
    ],
)
def test_what_the_kept_rows_say_is_told_once_confirmed(
    status: str, role: str, delta: int | None
) -> None:
    comparison = confirmed(status)
    client = client_as(comparison.project, role)
    result = client.get(f"/api/v1/comparisons/{comparison.public_id}").json()["result"]
    assert result["confirmation"]["status"] == status
    assert result["confirmation"]["delta_ppm"] == delta
    assert result["rows"] == 560
    assert len(result["slices"]) == (role == "reviewer")
    assert "evidence" not in result


def test_evaluations_on_the_kept_rows_are_in_no_list() -> None:
    comparison = confirmed("confirmed")
    client = client_as(comparison.project, "reviewer")
    rows = client.get(f"/api/v1/evaluations?comparison={comparison.public_id}")
    assert [row["score"] for row in rows.json()["results"]] == [900_000]
    hidden = comparison.evaluations.get(split="confirmation")
    assert client.get(f"/api/v1/evaluations/{hidden.public_id}").status_code == 404
    shown = client.get(f"/api/v1/comparisons/{comparison.public_id}")
    assert "123456" not in shown.content.decode()


def test_a_cumulative_gain_is_asked_for_and_told() -> None:
    comparison = ComparisonFactory(status="accepted")
    model = comparison.candidate.model
    model.head = comparison.candidate
    model.save()
    url = f"/api/v1/models/{model.model_id}/cumulative-gain"
    asked = client_as(model.project).post(url, {})
    assert asked.status_code == 202, asked.content
    assert (asked.json()["first"], asked.json()["head"]) == (1, 2)
    told = client_as(model.project, "viewer").get(url).json()
    assert [(row["status"], row["delta_ppm"]) for row in told] == [("queued", None)]
    lonely = ModelVersionFactory(model__project=model.project).model
    refused = client_as(model.project).post(f"/api/v1/models/{lonely.model_id}/cumulative-gain", {})
    assert refused.status_code == 400
