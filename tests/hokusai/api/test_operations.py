from typing import Any

import pytest

from hokusai.core.choices import WorkStatus
from hokusai.core.models import Job
from tests.factories import (
    EventFactory,
    JobFactory,
    ModelVersionFactory,
    ProjectFactory,
    SuperuserFactory,
    client_as,
    client_of,
)

pytestmark = pytest.mark.django_db


def copy_job(**fields: Any) -> Job:
    version = ModelVersionFactory(artifact_state="pending", tree_digest="")
    job: Job = JobFactory(subject=version.public_id, project_id=version.project.pk, **fields)
    return job


def project_of(job: Job) -> Any:
    return ProjectFactory._meta.model.objects.get(pk=job.project_id)


def test_a_job_that_waits_is_cancelled_at_once_and_tried_again() -> None:
    job = copy_job()
    client = client_as(project_of(job))
    url = f"/api/v1/jobs/{job.public_id}"
    assert client.post(f"{url}/cancel").json()["status"] == WorkStatus.CANCELLED
    assert client.post(f"{url}/retry").status_code == 200
    assert client.get(url).json()["attempt"] in (0, 1)


def test_a_job_that_succeeded_cannot_be_cancelled() -> None:
    job = copy_job(status=WorkStatus.SUCCEEDED)
    answer = client_as(project_of(job)).post(f"/api/v1/jobs/{job.public_id}/cancel")
    assert answer.status_code == 409
    assert answer.json()["code"] == "invalid_transition"


def test_jobs_name_their_project_by_slug() -> None:
    job = copy_job()
    project = project_of(job)
    copy_job()
    rows = client_as(project).get(f"/api/v1/jobs?project={project.slug}").json()["results"]
    assert [(row["id"], row["project"]) for row in rows] == [(job.public_id, project.slug)]


def test_events_of_the_platform_are_for_superusers() -> None:
    event = EventFactory(project_id=None)
    stewards = client_as(ProjectFactory(), "owner")
    assert stewards.get(f"/api/v1/events/{event.public_id}").status_code == 404
    root = client_of(SuperuserFactory())
    assert root.get(f"/api/v1/events/{event.public_id}").json()["project"] is None


def test_events_are_filtered_by_tag_and_time() -> None:
    project = ProjectFactory()
    wanted = EventFactory(project_id=project.pk, tag="stage:changed")
    EventFactory(project_id=project.pk)
    client = client_as(project)
    rows = client.get("/api/v1/events?tag=stage:changed").json()["results"]
    assert [row["id"] for row in rows] == [wanted.public_id]
    assert client.get("/api/v1/events?until=2020-01-01T00:00:00Z").json()["results"] == []


@pytest.mark.parametrize("path", ["jobs", "events"])
def test_listing_costs_one_query(django_assert_num_queries: Any, path: str) -> None:
    project = ProjectFactory()
    JobFactory.create_batch(3, project_id=project.pk)
    EventFactory.create_batch(3, project_id=project.pk)
    client = client_as(project)
    with django_assert_num_queries(1):
        answer = client.get(f"/api/v1/{path}")
    assert len(answer.json()["results"]) == 3
