"""A token of another service on both ways through the API: the fast one and the ordinary one."""

import time

import pytest
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from deployments.choices import RevisionStatus
from deployments.models import Revision
from deployments.providers import providers
from hokusai.accounts.services import actor_of, remove_member
from hokusai.core.models import Event
from hokusai.notify.signatures import new_secret, signed_headers
from hokusai.web import hot
from hokusai.web.external import directory as directories
from hokusai.web.receivers import ForgetRemovedMembers
from registry.models import ModelVersion
from tests.factories import (
    MembershipFactory,
    ModelVersionFactory,
    RevisionFactory,
    api_key,
    member,
)

pytestmark = pytest.mark.django_db
TOKEN = "opaque-token"
ROWS = {"rows": [{"x": 1.0}]}


@pytest.fixture(autouse=True)
def taken(monkeypatch) -> list[str]:
    """Names of the routes that were answered the fast way."""
    names: list[str] = []
    observe = hot.HotPathMiddleware._observe

    def noted(self, route, response, call):
        names.append(route.name)
        observe(self, route, response, call)

    monkeypatch.setattr(hot.HotPathMiddleware, "_observe", noted)
    return names


@pytest.fixture
def version() -> ModelVersion:
    return ModelVersionFactory()


@pytest.fixture
def person(settings, service, version):
    """An engineer whose token the service knows."""
    settings.AUTH_SERVICE_URL = service.url
    settings.AUTH_SERVICE_TIMEOUT_S = 1.0
    membership = MembershipFactory(project=version.project, role="engineer")
    service.knows(TOKEN, username=membership.user.username, project=version.project.slug)
    return membership.user


def caller(token: str = TOKEN) -> APIClient:
    return APIClient(headers={"Authorization": f"Bearer {token}"})


def url_of(version: ModelVersion) -> str:
    return f"/api/v1/models/{version.model.model_id}/versions/{version.number}"


def tags_of(version: ModelVersion) -> str:
    return f"{url_of(version)}/tags"


def test_both_ways_take_the_token_and_ask_once(person, version, service, taken):
    client = caller()
    assert client.get(url_of(version)).status_code == 200
    me = client.get("/api/v1/me").json()
    assert (me["id"], me["key"]) == (person.public_id, None)
    assert client.get(url_of(version)).status_code == 200
    assert (taken, service.total) == (["version", "version"], 1)


def test_it_reaches_its_project_alone(person, version):
    elsewhere = ModelVersionFactory()
    MembershipFactory(project=elsewhere.project, user=person, role="owner")
    client = caller()
    assert client.get(url_of(elsewhere)).status_code == 404
    assert client.get(f"/api/v1/projects/{elsewhere.project.slug}").status_code == 404
    names = [row["slug"] for row in client.get("/api/v1/projects").json()["results"]]
    assert names == [version.project.slug]


def test_it_does_what_its_scopes_say_and_the_role_allows(person, version, service):
    for token, scope in (("reads", "read"), ("writes", "write"), ("odd", "admin")):
        service.knows(token, username=person.username, project=version.project.slug, scope=scope)
    tagged = [
        caller(token).put(tags_of(version), {"tags": {"a": "b"}}).status_code
        for token in ("reads", "writes")
    ]
    assert tagged == [403, 200]
    assert caller("odd").get(url_of(version)).status_code == 403
    assert caller("odd").get("/api/v1/models").status_code == 403
    person.memberships.update(role="viewer")
    assert caller("writes").put(tags_of(version), {"tags": {"a": "c"}}).status_code == 403


def test_it_is_no_person(person, version):
    body = {"project": version.project.slug, "name": "ci", "scopes": ["read"]}
    assert caller().post("/api/v1/api-keys", body).status_code == 403


def test_it_may_be_limited_to_models(person, version, service):
    other = ModelVersionFactory(model__project=version.project)
    named = {"username": person.username, "project": version.project.slug}
    service.knows("few", **named, models=[version.model.model_id])
    client = caller("few")
    assert client.get(url_of(version)).status_code == 200
    assert client.get(url_of(other)).status_code == 404
    assert client.get(f"/api/v1/models/{other.model.model_id}").status_code == 404
    assert client.put(tags_of(version), {"tags": {"a": "b"}}).status_code == 403
    refused = client.post(f"/api/v1/models/{other.model.model_id}/predict", ROWS)
    assert (refused.status_code, refused.json()["message"]) == (
        403,
        "This key may not be used for this model.",
    )


def test_events_name_the_token_and_who_it_acts_for(person, version):
    caller().put(tags_of(version), {"tags": {"a": "b"}})
    event = Event.objects.latest("pk")
    assert event.actor.startswith("key:ext_")
    assert event.actor_label.startswith(f"{person.username} (token of ")


@pytest.mark.parametrize("path", ["models", "models/no.such/versions/1"])
def test_an_unknown_token_is_told_so_on_both_ways(person, service, path):
    answer = caller("unknown").get(f"/api/v1/{path}")
    assert (answer.status_code, answer.json()["code"]) == (401, "authentication_failed")
    assert "WWW-Authenticate" in answer


def test_our_own_credentials_are_never_sent_away(person, version, service):
    _, secret = api_key(version.project)
    own = str(AccessToken.for_user(member(version.project)))
    assert caller(secret).get(url_of(version)).status_code == 200
    assert caller(own).get(url_of(version)).status_code == 200
    assert caller("hok_unknown").get(url_of(version)).status_code == 401
    assert service.total == 0


def test_without_a_service_foreign_tokens_are_refused(person, version, settings):
    settings.AUTH_SERVICE_URL = ""
    assert caller().get(url_of(version)).status_code == 401


def test_in_an_outage_the_known_read_and_nobody_writes(person, version, service, clock, taken):
    client = caller()
    client.get(url_of(version))
    service.status = 500
    clock.forward(61)
    for path in (url_of(version), "/api/v1/models"):
        answer = client.get(path)
        assert (answer.status_code, answer["Hokusai-Identity"]) == (200, "stale")
    written = client.put(tags_of(version), {"tags": {"a": "b"}})
    registered = client.post(
        "/api/v1/models/register",
        {"project": version.project.slug, "model": "new", "source": f"models:/m-{'0' * 32}"},
    )
    for answer in (written, registered):
        assert (answer.status_code, answer.json()["code"]) == (503, "identity_unknown")
        assert int(answer["Retry-After"]) >= 1
    assert taken == ["version", "version"]


def test_in_an_outage_nobody_new_gets_in_and_each_waits_once(person, version, service):
    service.status = 500
    for path in (url_of(version), "/api/v1/models"):
        asked = service.total
        answer = caller(path).get(path)
        assert (answer.status_code, answer.json()["code"]) == (503, "identity_unknown")
        assert service.total == asked + 1


def test_a_prediction_goes_on_in_an_outage(person, version, service, clock):
    providers.forget()
    live = RevisionFactory(
        deployment__model=version.model, version=version, status=RevisionStatus.LIVE
    )
    Revision.objects.update(endpoint=f"memory:{live.public_id}")
    path = f"/api/v1/models/{version.model.model_id}/predict"
    first = caller().post(path, ROWS)
    service.status = 500
    clock.forward(61)
    again = caller().post(path, ROWS)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again["Hokusai-Identity"] == "stale"


def test_the_service_ends_what_it_said_by_a_signed_message(person, version, service, settings):
    secret = new_secret()
    settings.AUTH_SERVICE_HOOK_SECRETS = [secret]
    client = caller()
    client.get(url_of(version))
    service.answers[TOKEN] = {"active": False}
    assert client.get(url_of(version)).status_code == 200
    body = b'{"type": "token.revoked"}'
    sent = signed_headers([secret], message_id="m", timestamp_s=int(time.time()), body=body)
    path = "/api/v1/hooks/auth"
    forged = APIClient().generic("POST", path, body, "application/json")
    taken = APIClient(headers=sent).generic("POST", path, body, "application/json")
    assert (forged.status_code, taken.status_code) == (403, 202)
    assert client.get(url_of(version)).status_code == 401


def test_who_left_the_project_is_out_as_soon_as_the_event_is_delivered(person, version, service):
    client = caller()
    client.get(url_of(version))
    owner = member(version.project, "owner")
    remove_member(project=version.project, user=person, actor=actor_of(owner))
    event = Event.objects.get(tag="membership:removed")
    ForgetRemovedMembers().receive(event, operation_id=event.public_id)
    assert client.get(url_of(version)).status_code == 401


def test_one_limit_counts_for_all_tokens_of_somebody(person, version, service, settings):
    settings.AUTH_SERVICE_RATE_PER_MINUTE = 2
    directories.forget_all()
    stated = service.answers[TOKEN]
    service.knows("second", **stated)
    # The minute may end once in between.
    statuses = [caller(token).get(url_of(version)).status_code for token in [TOKEN, "second"] * 4]
    assert statuses[:2] == [200, 200]
    assert 429 in statuses
