import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from hokusai.accounts import services
from hokusai.accounts.models import ApiKey, Project
from hokusai.core.models import Event
from hokusai.web import idempotency
from hokusai.web.models import IdempotencyRecord
from tests.factories import (
    DatasetFactory,
    IdempotencyRecordFactory,
    ProjectFactory,
    PromotionFactory,
    UserFactory,
    member,
)

URL = "/api/v1/projects"
TIDES = {"slug": "tides", "name": "Tides"}


def client_of(user: Any) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def post(client: APIClient, body: Any, key: str = "first", url: str = URL) -> Any:
    return client.post(url, body, headers={"Idempotency-Key": key})


@pytest.mark.django_db
def test_a_repeat_changes_nothing_and_is_answered_as_the_first_was() -> None:
    client = client_of(UserFactory())
    first, second = post(client, TIDES), post(client, TIDES)
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert Event.objects.filter(tag="project:created").count() == 1


@pytest.mark.django_db
def test_the_same_key_with_another_body_is_refused() -> None:
    client = client_of(UserFactory())
    post(client, TIDES)
    answer = post(client, {"slug": "waves", "name": "Waves"})
    assert answer.status_code == 422
    assert answer.json()["code"] == "idempotency_key_reused"
    assert not Project.objects.filter(slug="waves").exists()


@pytest.mark.django_db
def test_the_order_of_names_in_a_body_is_no_difference() -> None:
    client = client_of(UserFactory())
    post(client, TIDES)
    assert post(client, dict(reversed(TIDES.items()))).status_code == 201


@pytest.mark.django_db
def test_keys_belong_to_a_person_and_a_path() -> None:
    first, second = client_of(UserFactory()), client_of(UserFactory())
    post(first, TIDES)
    assert post(second, {"slug": "waves", "name": "Waves"}).status_code == 201
    url = f"{URL}/tides/invitations"
    body = {"email": "guest@example.org", "role": "viewer"}
    assert post(first, body, url=url).status_code == 201


@pytest.mark.django_db
def test_a_refused_request_may_be_repeated_with_the_same_key() -> None:
    client = client_of(UserFactory())
    assert post(client, {"slug": "No", "name": "No"}).status_code == 400
    assert post(client, TIDES).status_code == 201


@pytest.mark.django_db
def test_a_conflict_leaves_no_record() -> None:
    ProjectFactory(slug="tides")
    client = client_of(UserFactory())
    assert post(client, TIDES).status_code == 409
    assert not IdempotencyRecord.objects.exists()


@pytest.mark.django_db
def test_what_a_refusal_recorded_stays() -> None:
    promotion = PromotionFactory()
    reviewer = member(promotion.project, "reviewer")
    promotion.version.registered_by = reviewer
    promotion.version.save()
    version = promotion.version
    url = (
        f"/api/v1/models/{version.model.model_id}/versions/{version.number}"
        f"/promotions/{promotion.public_id}/approve"
    )
    assert post(client_of(reviewer), {}, url=url).status_code == 403
    assert Event.objects.filter(tag="promotion:approval-refused").count() == 1


@pytest.mark.django_db
def test_after_a_day_a_key_is_new() -> None:
    client = client_of(UserFactory())
    post(client, TIDES)
    IdempotencyRecord.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert post(client, {"slug": "waves", "name": "Waves"}).status_code == 201


@pytest.mark.django_db
def test_expired_records_are_forgotten() -> None:
    IdempotencyRecordFactory()
    old = IdempotencyRecordFactory()
    IdempotencyRecord.objects.filter(pk=old.pk).update(
        created_at=timezone.now() - timedelta(hours=25)
    )
    assert idempotency.forget_expired() == 1
    assert IdempotencyRecord.objects.count() == 1


@pytest.mark.django_db
def test_a_secret_is_never_stored() -> None:
    project = ProjectFactory()
    client = client_of(member(project))
    body = {"project": project.slug, "name": "ci"}
    first = post(client, body, url="/api/v1/api-keys")
    second = post(client, body, url="/api/v1/api-keys")
    assert first.json()["secret"].startswith("hok_")
    assert second.json()["secret"] is None
    assert first.json()["secret"] not in str(IdempotencyRecord.objects.values_list("body"))
    assert ApiKey.objects.count() == 1


@pytest.mark.django_db
def test_files_are_compared_by_what_they_hold() -> None:
    dataset = DatasetFactory()
    client = client_of(member(dataset.project))
    url = f"/api/v1/datasets/{dataset.public_id}/versions"

    def upload(content: bytes) -> int:
        body = {"file": SimpleUploadedFile("rows.csv", content), "label_column": "label"}
        headers = {"Idempotency-Key": "upload"}
        code: int = client.post(url, body, format="multipart", headers=headers).status_code
        return code

    rows = b"x,label\n1,0\n2,1\n"
    assert [upload(rows), upload(rows), upload(rows + b"3,1\n")] == [201, 201, 422]
    assert dataset.versions.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "x" * 201, "tab\there"])
def test_an_unsound_key_is_refused(key: str) -> None:
    assert post(client_of(UserFactory()), TIDES, key=key).status_code == 400


def slowly(
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[threading.Event, threading.Event]:
    """The service waits within its transaction until it is told to go on."""
    entered, go_on = threading.Event(), threading.Event()
    create: Callable[..., Any] = services.create_project

    def create_project(**fields: Any) -> Any:
        made = create(**fields)
        entered.set()
        assert go_on.wait(30)
        return made

    monkeypatch.setattr(services, "create_project", create_project)
    return entered, go_on


@pytest.mark.django_db(transaction=True)
def test_while_the_first_is_unanswered_the_second_is_told_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user = UserFactory()
    entered, go_on = slowly(monkeypatch)
    answers: list[int] = []

    def first() -> None:
        try:
            answers.append(post(client_of(user), TIDES).status_code)
        finally:
            connection.close()

    thread = threading.Thread(target=first)
    thread.start()
    try:
        assert entered.wait(30)
        second = post(client_of(user), TIDES)
    finally:
        go_on.set()
        thread.join()
    assert second.status_code == 409
    assert second.json()["code"] == "idempotency_in_flight"
    assert answers == [201]
    assert post(client_of(user), TIDES)["Idempotent-Replayed"] == "true"
    assert Project.objects.filter(slug="tides").count() == 1
