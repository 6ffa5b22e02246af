from typing import Any

import pytest
from rest_framework.test import APIClient
from standardwebhooks import Webhook as Verifier

from hokusai.accounts.choices import Role, Scope
from hokusai.accounts.models import Project, User
from hokusai.core.choices import WorkStatus
from hokusai.notify.models import Subscription, Webhook, WebhookDelivery
from hokusai.notify.signatures import unseal
from tests.factories import (
    AttemptFactory,
    MembershipFactory,
    ProjectFactory,
    UserFactory,
    WebhookDeliveryFactory,
    WebhookFactory,
    api_key,
    client_as,
    client_of,
    member,
)

pytestmark = pytest.mark.django_db
URL = "https://hooks.example.org/in"
HOOKS = "/api/v1/webhooks"


@pytest.fixture
def project() -> Project:
    return ProjectFactory()


@pytest.fixture
def owner(project: Project) -> APIClient:
    return client_as(project, Role.OWNER)


def body(project: Project, **changes: Any) -> dict[str, Any]:
    return {"project": project.slug, "url": URL, "topics": ["version.ready"], **changes}


def choice(answer: Any, topic: str) -> tuple[bool, bool | None]:
    row = next(row for row in answer["topics"] if row["topic"] == topic)
    return row["wanted"], row["chosen"]


def test_a_member_sees_defaults_chooses_and_goes_back(project: Project) -> None:
    client = client_as(project, Role.REVIEWER)
    path = f"/api/v1/notifications/{project.slug}"
    assert choice(client.get(path).json(), "promotion.requested") == (True, None)
    answer = client.put(path, {"choices": {"promotion.requested": False}})
    assert choice(answer.json(), "promotion.requested") == (False, False)
    back = client.put(path, {"choices": {"promotion.requested": None}})
    assert choice(back.json(), "promotion.requested") == (True, None)
    assert not Subscription.objects.exists()


@pytest.mark.parametrize(
    "choices", [{"weather": True}, {"version.ready": "perhaps"}, [], "version.ready", {"": True}]
)
def test_an_unknown_topic_or_form_is_refused(project: Project, choices: Any) -> None:
    client = client_as(project)
    answer = client.put(f"/api/v1/notifications/{project.slug}", {"choices": choices})
    assert answer.status_code == 400
    assert not Subscription.objects.exists()


def test_outsiders_have_no_choices_in_a_project_also_where_it_is_public() -> None:
    public = ProjectFactory(visibility="public")
    path = f"/api/v1/notifications/{public.slug}"
    stranger = client_of(UserFactory())
    assert stranger.get(path).status_code == 404
    assert stranger.put(path, {"choices": {"version.ready": True}}).status_code == 404


def test_choices_are_listed_of_one_s_own_projects_alone(project: Project) -> None:
    ProjectFactory()
    answer = client_as(project, Role.VIEWER).get("/api/v1/notifications").json()
    assert [(row["project"], row["role"]) for row in answer] == [(project.slug, "viewer")]


def test_a_key_shows_the_choices_of_its_project_alone(project: Project) -> None:
    key, secret = api_key(project)
    MembershipFactory(user=key.owner)
    answer = APIClient(headers={"X-API-Key": secret}).get("/api/v1/notifications").json()
    assert [row["project"] for row in answer] == [project.slug]


@pytest.mark.parametrize("many", [1, 5])
def test_listing_choices_costs_the_same_for_one_as_for_many(
    django_assert_num_queries: Any, many: int
) -> None:
    user = UserFactory()
    MembershipFactory.create_batch(many, user=user)
    client = client_of(user)
    with django_assert_num_queries(2):
        assert len(client.get("/api/v1/notifications").json()) == many


def test_a_secret_is_shown_once_and_verifies(owner: APIClient, project: Project) -> None:
    made = owner.post(HOOKS, body(project)).json()
    hook = Webhook.objects.get()
    assert made["secret"] == unseal(hook.secret)
    Verifier(made["secret"])
    shown = owner.get(f"{HOOKS}/{made['id']}").json()
    assert "secret" not in shown
    assert hook.secret not in str(shown)


def test_a_repeated_creation_makes_one_webhook_and_shows_no_secret_again(
    owner: APIClient, project: Project
) -> None:
    first = owner.post(HOOKS, body(project), headers={"Idempotency-Key": "once"}).json()
    again = owner.post(HOOKS, body(project), headers={"Idempotency-Key": "once"}).json()
    assert again == {**first, "secret": None}
    assert Webhook.objects.count() == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "http://hooks.example.org/"},
        {"url": "https://169.254.169.254/latest/meta-data/"},
        {"url": "https://[fe80::1]/"},
        {"url": "not an address"},
        {"url": "https://x/" + "y" * 600},
        {"url": "https://x/\u0000"},
        {"topics": []},
        {"topics": ["weather"]},
        {"topics": ["webhook.test"]},
        {"topics": "version.ready"},
        {"topics": [{}]},
    ],
)
def test_what_cannot_be_told_is_refused_with_a_reason(
    owner: APIClient, project: Project, changes: Any
) -> None:
    answer = owner.post(HOOKS, body(project, **changes))
    assert answer.status_code == 400
    assert answer.json()["message"]
    assert not Webhook.objects.exists()


@pytest.mark.parametrize("role", [Role.ENGINEER, Role.REVIEWER, Role.VIEWER])
def test_webhooks_are_for_owners(project: Project, role: Role) -> None:
    hook = WebhookFactory(project=project)
    client = client_as(project, role)
    assert client.post(HOOKS, body(project)).status_code == 403
    assert client.get(f"{HOOKS}/{hook.public_id}").status_code == 404
    assert client.get(HOOKS).json()["results"] == []


def test_an_outsider_s_404_is_that_of_what_never_was(project: Project) -> None:
    hook = WebhookFactory(project=project)
    stranger = client_of(UserFactory())
    hidden = stranger.get(f"{HOOKS}/{hook.public_id}/deliveries")
    absent = stranger.get(f"{HOOKS}/whk_{'0' * 32}/deliveries")
    assert hidden.status_code == absent.status_code == 404
    assert {**hidden.json(), "request_id": ""} == {**absent.json(), "request_id": ""}


def test_a_key_that_only_reads_changes_no_webhook(project: Project) -> None:
    person = member(project, Role.OWNER)
    hook = WebhookFactory(project=project)
    _, secret = api_key(project, Scope.READ, owner=person)
    reading = APIClient(headers={"X-API-Key": secret})
    path = f"{HOOKS}/{hook.public_id}"
    assert reading.get(path).status_code == 200
    for refused in (
        reading.post(HOOKS, body(project)),
        reading.patch(path, {"active": False}),
        reading.delete(path),
        reading.post(f"{path}/rotate"),
        reading.post(f"{path}/test"),
    ):
        assert refused.status_code == 403
        assert "scope" in refused.json()["message"]


def test_an_owner_s_key_that_writes_may(project: Project) -> None:
    _, secret = api_key(project, Scope.WRITE, owner=member(project, Role.OWNER))
    answer = APIClient(headers={"X-API-Key": secret}).post(HOOKS, body(project))
    assert answer.status_code == 201


def test_a_webhook_is_changed_and_removed(owner: APIClient, project: Project) -> None:
    path = f"{HOOKS}/{WebhookFactory(project=project).public_id}"
    changed = owner.patch(path, {"active": False, "topics": ["stage.changed"]}).json()
    assert (changed["active"], changed["topics"]) == (False, ["stage.changed"])
    assert owner.patch(path, {"url": "http://x.example.org/"}).status_code == 400
    assert owner.delete(path).status_code == 204
    assert owner.get(path).status_code == 404
    assert owner.get(HOOKS).json()["results"] == []


def test_a_rotated_secret_is_shown_once(owner: APIClient, project: Project) -> None:
    hook = WebhookFactory(project=project)
    shown = owner.post(f"{HOOKS}/{hook.public_id}/rotate").json()
    assert shown["secret"] == unseal(Webhook.objects.get().secret) != unseal(hook.secret)
    assert shown["old_secret_until"] is not None


def test_a_test_appears_among_the_deliveries(owner: APIClient, project: Project) -> None:
    path = f"{HOOKS}/{WebhookFactory(project=project).public_id}"
    sent = owner.post(f"{path}/test")
    assert sent.status_code == 202
    (listed,) = owner.get(f"{path}/deliveries").json()["results"]
    assert listed == sent.json()
    assert (listed["type"], listed["status"], listed["event"]) == ("webhook.test", "queued", None)
    assert listed["next_attempt_at"] is not None


def test_a_delivery_shows_its_attempts_and_is_sent_again(
    owner: APIClient, project: Project
) -> None:
    delivery = WebhookDeliveryFactory(webhook__project=project, status="failed")
    AttemptFactory(delivery=delivery, status_code=500, answer="oops")
    path = f"{HOOKS}/{delivery.webhook.public_id}/deliveries/{delivery.public_id}"
    shown = owner.get(path).json()
    assert [(row["status_code"], row["answer"]) for row in shown["attempts"]] == [(500, "oops")]
    assert shown["next_attempt_at"] is None
    again = owner.post(f"{path}/resend")
    assert (again.status_code, again.json()["status"]) == (202, "queued")
    assert again.json()["id"] == delivery.public_id
    assert owner.post(f"{path}/resend").status_code == 409


def test_deliveries_are_those_of_their_webhook_and_filtered(
    owner: APIClient, project: Project
) -> None:
    first, second = WebhookFactory(project=project), WebhookFactory(project=project)
    failed = WebhookDeliveryFactory(webhook=first, status=WorkStatus.FAILED)
    WebhookDeliveryFactory(webhook=first)
    WebhookDeliveryFactory(webhook=second, status=WorkStatus.FAILED)
    path = f"{HOOKS}/{first.public_id}/deliveries"
    listed = owner.get(path, {"status": "failed"}).json()["results"]
    assert [row["id"] for row in listed] == [failed.public_id]
    other = f"{HOOKS}/{second.public_id}/deliveries/{failed.public_id}"
    assert owner.get(other).status_code == 404


def test_listing_deliveries_costs_the_same_for_one_as_for_many(
    owner: APIClient, project: Project, django_assert_max_num_queries: Any
) -> None:
    hook = WebhookFactory(project=project)
    for _ in range(5):
        AttemptFactory(delivery=WebhookDeliveryFactory(webhook=hook))
    with django_assert_max_num_queries(5):
        listed = owner.get(f"{HOOKS}/{hook.public_id}/deliveries").json()["results"]
    assert len(listed) == WebhookDelivery.objects.count() == 5


def test_whoever_is_no_owner_any_more_sees_no_deliveries(project: Project) -> None:
    person: User = member(project, Role.VIEWER)
    delivery = WebhookDeliveryFactory(webhook__project=project)
    path = f"{HOOKS}/{delivery.webhook.public_id}/deliveries"
    assert client_of(person).get(path).status_code == 404
