from datetime import UTC, datetime

import pytest
from rest_framework.test import APIClient

from deployments import endpoints
from deployments.choices import DeploymentStatus, RevisionStatus
from deployments.models import Deployment, Revision
from hokusai.accounts.choices import Role
from tests.factories import (
    ModelVersionFactory,
    RevisionFactory,
    UserFactory,
    api_key,
    member,
)

pytestmark = pytest.mark.django_db
URL = "/api/v1/deployments"


def as_person(user) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def as_key(secret: str) -> APIClient:
    return APIClient(headers={"authorization": f"Bearer {secret}"})


@pytest.fixture
def live(memory) -> Revision:
    row = RevisionFactory(status=RevisionStatus.LIVE)
    row.endpoint = f"memory:{row.public_id}"
    row.save()
    return row


@pytest.fixture
def engineer(live) -> APIClient:
    return as_person(member(live.project))


def test_deploying_is_accepted_and_names_the_job():
    version = ModelVersionFactory()
    client = as_person(member(version.project))
    body = {"model_id": version.model.model_id, "version": version.number, "slug": "trial"}
    made = client.post(URL, body)
    assert made.status_code == 202
    revision = Revision.objects.get()
    assert made.data["id"] == revision.public_id
    assert made.data["job"] == revision.job.public_id
    assert (made.data["status"], made.data["digest"]) == ("pending", version.tree_digest)
    assert client.post(URL, body).status_code == 409


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"model_id": "nodot", "version": 1},
        {"model_id": "a.b", "version": 0},
        {"model_id": "a.b", "version": 1, "slug": "Not A Slug"},
    ],
)
def test_a_form_that_is_not_filled_is_invalid(body):
    assert as_person(UserFactory()).post(URL, body).status_code == 400


def test_a_version_of_a_foreign_project_is_as_if_absent():
    version = ModelVersionFactory()
    body = {"model_id": version.model.model_id, "version": version.number}
    client = as_person(UserFactory())
    hidden = client.post(URL, body)
    absent = client.post(URL, {**body, "model_id": "no.such"})
    assert (hidden.status_code, absent.status_code) == (404, 404)
    assert hidden.data["message"] == absent.data["message"]


@pytest.mark.parametrize("action", ["rollback", "stop"])
def test_who_only_looks_may_neither_deploy_nor_roll_back_nor_stop(live, action):
    client = as_person(member(live.project, Role.VIEWER))
    body = {"model_id": live.deployment.model.model_id, "version": live.version.number}
    assert client.post(URL, body).status_code == 403
    assert client.post(f"{URL}/{live.deployment.public_id}/{action}").status_code == 403


def test_a_key_that_only_reads_deploys_nothing(live):
    _, secret = api_key(live.project, "read")
    body = {"model_id": live.deployment.model.model_id, "version": live.version.number}
    assert as_key(secret).post(URL, body).status_code == 403


def test_the_list_shows_what_is_live_to_members_alone(live, engineer):
    (shown,) = engineer.get(URL).data["results"]
    assert shown["id"] == live.deployment.public_id
    assert shown["live"]["digest"] == live.digest
    assert as_person(UserFactory()).get(URL).data["results"] == []
    assert as_person(UserFactory()).get(f"{URL}/{shown['id']}").status_code == 404


def test_revisions_of_a_deployment_are_listed_newest_first(live, engineer):
    second = RevisionFactory(deployment=live.deployment)
    RevisionFactory(deployment__model__project=live.project)
    url = f"{URL}/{live.deployment.public_id}/revisions"
    listed = engineer.get(url).data["results"]
    assert [row["id"] for row in listed] == [second.public_id, live.public_id]
    assert engineer.get(f"{url}/{live.public_id}").data["status"] == "live"


def test_rolling_back_answers_the_new_revision(past_and_present):
    before, now = past_and_present
    client = as_person(member(now.project))
    answered = client.post(f"{URL}/{now.deployment.public_id}/rollback")
    assert answered.status_code == 202
    assert answered.data["version"] == before.version.number


def test_rolling_back_to_the_kept_revision_is_done_when_it_is_answered(past_and_present):
    before, now = past_and_present
    Revision.objects.filter(pk=before.pk).update(status=RevisionStatus.STANDBY)
    client = as_person(member(now.project))
    url = f"{URL}/{now.deployment.public_id}"
    assert client.get(url).data["standby"]["id"] == before.public_id
    answered = client.post(f"{url}/rollback")
    assert answered.status_code == 200
    assert (answered.data["id"], answered.data["status"]) == (before.public_id, "live")
    shown = client.get(url).data
    assert (shown["live"]["id"], shown["standby"]["id"]) == (before.public_id, now.public_id)


def test_production_says_what_it_asks_for_and_takes_it():
    version = ModelVersionFactory(stage="production")
    client = as_person(member(version.project))
    body = {"model_id": version.model.model_id, "version": version.number}
    refused = client.post(URL, body)
    assert (refused.status_code, refused.data["code"]) == (409, "digest_required")
    wrong = client.post(URL, {**body, "digest": "0" * 64})
    assert (wrong.status_code, wrong.data["code"]) == (409, "digest_differs")
    made = client.post(URL, {**body, "digest": version.tree_digest})
    assert made.status_code == 202
    shown = client.get(f"{URL}/{made.data['deployment']}").data
    assert shown["environment"] == "production"
    assert (shown["policy"]["required_stage"], shown["policy"]["require_digest"]) == (
        "production",
        True,
    )


def test_how_a_deployment_serves_is_changed_and_shown(live, engineer):
    url = f"{URL}/{live.deployment.public_id}"
    changed = engineer.patch(url, {"cache_s": 30, "redacted_columns": ["name"]})
    assert changed.status_code == 200
    assert changed.data["policy"]["cache_s"] == 30
    assert engineer.get(url).data["policy"]["redacted_columns"] == ["name"]


@pytest.mark.parametrize(
    "body", [{"memory_bytes": 1}, {"log_sample": "nan"}, {"required_stage": "archived"}]
)
def test_a_policy_that_cannot_be_is_invalid(live, engineer, body):
    answered = engineer.patch(f"{URL}/{live.deployment.public_id}", body)
    assert (answered.status_code, answered.data["code"]) == (400, "invalid_input")


def test_stopping_twice_is_a_conflict(live, engineer):
    url = f"{URL}/{live.deployment.public_id}/stop"
    assert engineer.post(url).data["status"] == DeploymentStatus.STOPPED
    again = engineer.post(url)
    assert (again.status_code, again.data["code"]) == (409, "invalid_transition")
    assert Deployment.objects.get().status == DeploymentStatus.STOPPED


def test_a_prediction_by_deployment_says_who_answered(live, engineer):
    answered = engineer.post(
        f"{URL}/{live.deployment.public_id}/predict", {"rows": [{"a": 1.5, "b": 2}]}
    )
    body = answered.json()
    assert answered.status_code == 200
    assert body["outputs"] == [{"prediction": 3.5}]
    assert (body["version"], body["revision"]) == (live.version.number, live.public_id)
    assert answered["X-Request-ID"] == body["request_id"]


def test_a_stopped_deployment_answers_with_a_conflict(live, engineer):
    engineer.post(f"{URL}/{live.deployment.public_id}/stop")
    answered = engineer.post(f"{URL}/{live.deployment.public_id}/predict", {"rows": [{"a": 1}]})
    assert (answered.status_code, answered.json()["code"]) == (409, "not_deployed")


@pytest.mark.parametrize("scopes", [["read"], ["read", "write"]])
def test_predicting_needs_the_scope(live, scopes):
    _, secret = api_key(live.project, *scopes)
    url = f"{URL}/{live.deployment.public_id}/predict"
    assert as_key(secret).post(url, {"rows": [{"a": 1}]}).status_code == 403


def test_strangers_get_no_prediction(live):
    rows = {"rows": [{"a": 1}]}
    stranger = as_person(UserFactory())
    assert stranger.post(f"{URL}/{live.deployment.public_id}/predict", rows).status_code == 404
    model_url = f"/api/v1/models/{live.deployment.model.model_id}/predict"
    assert stranger.post(model_url, rows).status_code == 404
    assert APIClient().post(model_url, rows).status_code == 401


@pytest.mark.parametrize("way", ["fast", "ordinary"])
def test_a_prediction_of_a_retired_version_says_when_it_goes(live, way):
    caller = as_person(member(live.project))
    if way == "fast":
        caller = as_key(api_key(live.project, "predict")[1])
    url = f"/api/v1/models/{live.deployment.model.model_id}/predict"
    rows = {"rows": [{"a": 1.5, "b": 2}]}
    assert "Deprecation" not in caller.post(url, rows)
    version = live.version
    version.deprecated_at = datetime(2026, 1, 31, tzinfo=UTC)
    version.sunset_at = datetime(2999, 1, 1, tzinfo=UTC)
    version.successor = ModelVersionFactory(model=version.model)
    version.save()
    endpoints.outdate(version.model.model_id)
    answer = caller.post(url, rows)
    assert answer.status_code == 200
    assert answer["Deprecation"] == f"@{int(version.deprecated_at.timestamp())}"
    assert answer["Sunset"] == "Tue, 01 Jan 2999 00:00:00 GMT"
    path = f"/api/v1/models/{version.model.model_id}/versions/{version.successor.number}"
    assert answer["Link"] == f'<{path}>; rel="successor-version"'
