from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from experiments.models import Run
from hokusai.accounts.models import Project
from hokusai.core.models import Job
from hokusai.tracking import tracking
from tests.factories import (
    ProjectFactory,
    RunFactory,
    RunHistoryFactory,
    TrackedExperimentFactory,
    client_as,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return ProjectFactory()


@pytest.fixture
def client(project: Project) -> APIClient:
    return client_as(project, "viewer")


def run_of(project: Project, **facts: Any) -> Run:
    return RunFactory(experiment__project=project, **facts)


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


def test_a_run_is_shown(client: APIClient, project: Project) -> None:
    run = run_of(project, metrics={"loss": 0.5}, tags={"team": "risk"})
    answer = client.get(f"/api/v1/runs/{run.public_id}").json()
    assert (answer["run_id"], answer["project"]) == (run.run_id, project.slug)
    assert answer["experiment"] == run.experiment.experiment_id
    assert (answer["metrics"], answer["tags"]) == ({"loss": 0.5}, {"team": "risk"})


def test_runs_of_other_projects_and_of_none_are_as_if_absent(client: APIClient) -> None:
    hidden = RunFactory()
    unmapped = RunFactory(experiment=TrackedExperimentFactory(project=None))
    assert ids(client.get("/api/v1/runs")) == []
    for run in (hidden, unmapped):
        assert client.get(f"/api/v1/runs/{run.public_id}").status_code == 404


@pytest.mark.parametrize("field", ["experiment", "run_id", "status", "search", "user"])
def test_runs_are_found_by_a_filter(field: str, client: APIClient, project: Project) -> None:
    wanted = run_of(project, name="Nightly Ünï", status="failed", user="bob")
    run_of(project)
    values = {
        "experiment": wanted.experiment.experiment_id,
        "run_id": wanted.run_id,
        "status": "failed",
        "search": "ünï",
        "user": "bob",
    }
    assert ids(client.get("/api/v1/runs", {field: values[field]})) == [wanted.public_id]


def test_runs_are_found_by_when_they_began(client: APIClient, project: Project) -> None:
    now = timezone.now()
    old, new = (run_of(project, started_at=now - timedelta(days=days)) for days in (9, 1))
    border = (now - timedelta(days=5)).isoformat()
    assert ids(client.get("/api/v1/runs", {"started_after": border})) == [new.public_id]
    assert ids(client.get("/api/v1/runs", {"started_before": border})) == [old.public_id]


def test_runs_are_listed_in_pages_by_start(client: APIClient, project: Project) -> None:
    now = timezone.now()
    made = [run_of(project, started_at=now - timedelta(hours=n)).public_id for n in range(5)]
    answer = client.get("/api/v1/runs", {"ordering": "-started_at", "page_size": 3})
    assert ids(answer) == made[:3]
    assert ids(client.get(answer.json()["next"])) == made[3:]


def test_a_list_costs_the_same_however_long(
    client: APIClient, project: Project, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(10):
        run_of(project)
    with django_assert_max_num_queries(4):
        assert len(ids(client.get("/api/v1/runs"))) == 10


def test_what_differs_between_runs_is_shown_in_the_order_asked(
    client: APIClient, project: Project
) -> None:
    one = run_of(project, parameters={"C": "1", "same": "x"})
    other = run_of(project, parameters={"C": "2", "same": "x"})
    wish = {"ids": f"{other.public_id},{one.public_id}"}
    answer = client.get("/api/v1/runs/compare", wish).json()
    assert [row["id"] for row in answer["runs"]] == [other.public_id, one.public_id]
    assert answer["parameters"] == [{"name": "C", "values": ["2", "1"], "differs": True}]
    whole = client.get("/api/v1/runs/compare", {**wish, "everything": "true"}).json()
    assert {row["name"]: row["differs"] for row in whole["parameters"]} == {
        "C": True,
        "same": False,
    }


def test_a_comparison_with_a_hidden_run_is_not_found(client: APIClient, project: Project) -> None:
    wish = {"ids": f"{run_of(project).public_id},{RunFactory().public_id}"}
    assert client.get("/api/v1/runs/compare", wish).status_code == 404


@pytest.mark.parametrize("count", [0, 1, 21])
def test_a_comparison_is_of_two_to_twenty(count: int, client: APIClient, project: Project) -> None:
    experiment = TrackedExperimentFactory(project=project)
    chosen = ",".join(RunFactory(experiment=experiment).public_id for _ in range(count))
    assert client.get("/api/v1/runs/compare", {"ids": chosen}).status_code == 400


def test_a_run_is_not_compared_with_itself(client: APIClient, project: Project) -> None:
    run = run_of(project)
    wish = {"ids": f"{run.public_id},{run.public_id}"}
    assert client.get("/api/v1/runs/compare", wish).status_code == 400


def test_a_history_is_fetched_by_a_job_and_no_request_waits(
    client: APIClient, project: Project
) -> None:
    tracking["default"].down = True  # type: ignore[attr-defined]
    run = run_of(project)
    answer = client.post(f"/api/v1/runs/{run.public_id}/history")
    assert answer.status_code == 202
    assert answer.json() == {"job": Job.objects.get().public_id, "status": "queued"}
    assert client.post(f"/api/v1/runs/{run.public_id}/history").json() == answer.json()


@pytest.mark.parametrize("metric", ["accuracy", "val/loss", "a b", "größe"])
def test_a_fetched_history_is_read(metric: str, client: APIClient, project: Project) -> None:
    run = run_of(project, metrics={metric: 0.9})
    url = f"/api/v1/runs/{run.public_id}/metrics/{metric}"
    before = client.get(url).json()
    assert before == {"metric": metric, "fetched_at": None, "total": 0, "points": []}
    RunHistoryFactory(run=run, metric=metric)
    answer = client.get(url).json()
    assert [point["value"] for point in answer["points"]] == [0.5, 0.9]
    assert answer["fetched_at"]


def test_a_metric_that_the_run_lacks_is_not_found(client: APIClient, project: Project) -> None:
    run = run_of(project)
    for metric in ("absent", "%00"):
        assert client.get(f"/api/v1/runs/{run.public_id}/metrics/{metric}").status_code == 404


def test_a_run_without_metrics_has_no_history_to_fetch(client: APIClient, project: Project) -> None:
    run = run_of(project, metrics={})
    assert client.post(f"/api/v1/runs/{run.public_id}/history").status_code == 400
