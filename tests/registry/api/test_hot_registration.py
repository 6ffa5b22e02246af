"""Registering on the fast way leaves exactly what the ordinary service leaves."""

from typing import Any

import orjson
import pytest
from django.test import Client

from hokusai.accounts.choices import Role
from hokusai.accounts.models import ApiKey, Membership
from hokusai.core.models import Delivery, Event, Job
from hokusai.web import hot
from registry.models import Model, ModelVersion, VersionMetric, VersionTag
from tests.factories import ModelFactory, api_key

pytestmark = pytest.mark.django_db
URL = "/api/v1/models/register"
OWN = ("id", "public_id", "words", "created_at", "recorded_at", "digest", "request_id", "run_after")


@pytest.fixture(autouse=True)
def hot_answers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    taken: list[str] = []
    monkeypatch.setattr(
        hot.HotPathMiddleware, "_observe", lambda self, route, *rest: taken.append(route.name)
    )
    return taken


@pytest.fixture
def model() -> Model:
    return ModelFactory()


@pytest.fixture
def key(model: Model) -> tuple[ApiKey, str]:
    return api_key(model.project, "write")


def body(line: Model, letter: str = "a", **more: Any) -> dict[str, Any]:
    return {
        "project": line.project.slug,
        "model": line.slug,
        "source": f"models:/m-{letter * 32}",
        "tags": {"team": "a", "area": "Nörd"},
        "metrics": {"accuracy": 0.5, "n": 3},
        "parameters": {"C": "1.0"},
        "description": "A first one",
        **more,
    }


def post(secret: str, stated: Any, **headers: str) -> Any:
    client = Client(headers={"authorization": f"Bearer {secret}", **headers})
    return client.post(URL, orjson.dumps(stated), content_type="application/json")


def rows(version: ModelVersion) -> dict[str, Any]:
    """Everything that a registration left, without what differs by its nature."""
    subject = version.public_id
    event = Event.objects.get(subject=subject)
    left = {
        "version": ModelVersion.objects.filter(pk=version.pk),
        "tags": VersionTag.objects.filter(version=version).order_by("key"),
        "scores": VersionMetric.objects.filter(version=version).order_by("key"),
        "job": Job.objects.filter(subject=subject),
        "event": Event.objects.filter(pk=event.pk),
        "deliveries": Delivery.objects.filter(event=event).order_by("subscriber"),
    }
    names = {"tags": ("version_id",), "scores": ("version_id",), "deliveries": ("event_id",)}
    text = {
        name: str(
            [
                {k: v for k, v in row.items() if k not in (*OWN, *names.get(name, ()))}
                for row in found.values()
            ]
        )
        for name, found in left.items()
    }
    for was, now in (
        (subject, "it"),
        (version.source, "source"),
        (f" v{version.number}", " v"),
        (f"'number': {version.number},", "'number': n,"),
    ):
        text = {name: value.replace(was, now) for name, value in text.items()}
    return text


def test_both_ways_leave_the_same_rows_and_answer_the_same(
    model: Model, key: tuple[ApiKey, str], hot_answers: list[str]
) -> None:
    fast = post(key[1], body(model, "a"))
    slow = post(key[1], body(model, "b"), origin="http://testserver")
    assert hot_answers == ["register"]
    assert (fast.status_code, slow.status_code) == (201, 201)
    one, other = ModelVersion.objects.order_by("number")
    reader = Client(headers={"x-api-key": key[1]})
    assert reader.get(f"/api/v1/models/{model.model_id}/versions/1").json() == fast.json()
    unlike = {"id", "number", "source", "created_at"}
    shown = [
        {name: value for name, value in answer.json().items() if name not in unlike}
        for answer in (fast, slow)
    ]
    assert shown[0] == shown[1]
    assert list(fast.json()) == list(slow.json())
    left, right = rows(one), rows(other)
    for name in left:
        assert left[name] == right[name]


@pytest.mark.parametrize(
    "more",
    [
        {"model": "fresh"},
        {"card": "# A card"},
        {"source": f"runs:/{'0' * 32}/model"},
        {"source": "nonsense"},
        {"project": "other"},
        {"tags": {"hokusai.x": "y"}},
        {"tags": {"lr": 0.1}},
        {"metrics": {"a": "x"}},
        {"colour": "blue"},
    ],
)
def test_what_needs_a_question_goes_the_ordinary_way(
    model: Model, key: tuple[ApiKey, str], hot_answers: list[str], more: dict[str, Any]
) -> None:
    post(key[1], body(model, **more))
    assert hot_answers == []


def test_a_repeat_is_the_conflict_of_the_ordinary_way(
    model: Model, key: tuple[ApiKey, str], hot_answers: list[str]
) -> None:
    assert post(key[1], body(model)).status_code == 201
    again = post(key[1], body(model))
    assert again.status_code == 409
    assert again.json()["context"]["number"] == 1
    assert hot_answers == ["register"]


def test_an_idempotency_key_is_kept_on_the_ordinary_way(
    model: Model, key: tuple[ApiKey, str], hot_answers: list[str]
) -> None:
    answers = [post(key[1], body(model), **{"idempotency-key": "once"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert hot_answers == []


def test_whoever_lost_the_role_registers_nothing(
    model: Model, key: tuple[ApiKey, str], hot_answers: list[str]
) -> None:
    Membership.objects.filter(user=key[0].owner).update(role=Role.VIEWER)
    assert post(key[1], body(model)).status_code == 403
    assert not ModelVersion.objects.exists()
    assert hot_answers == []


def test_a_key_that_only_reads_is_refused(model: Model) -> None:
    _, secret = api_key(model.project, "read")
    assert post(secret, body(model)).status_code == 403


def test_versions_are_numbered_without_gaps(model: Model, key: tuple[ApiKey, str]) -> None:
    made = [post(key[1], body(model, source)).json()["number"] for source in "abcdef"]
    assert made == [1, 2, 3, 4, 5, 6]
