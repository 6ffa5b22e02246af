import time
from typing import Any

import orjson
import pytest
from django.test import override_settings
from rest_framework.test import APIClient

from hokusai.core.models import Job
from hokusai.tracking.webhooks import sign
from registry.models import WebhookReceipt

pytestmark = pytest.mark.django_db
SECRET = "of the hook"
PATH = "/api/v1/hooks/mlflow"


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hokusai.core.doorbell.ring", lambda *arguments, **options: None)


def body_of(name: str = "churn", version: str = "3") -> bytes:
    return orjson.dumps(
        {"entity": "model_version", "action": "created", "data": {"name": name, "version": version}}
    )


def deliver(
    body: bytes, *, identifier: str = "d-1", secret: str = SECRET, age_s: int = 0, **extra: Any
) -> Any:
    now = int(time.time()) - age_s
    headers = {
        "X-MLflow-Delivery-Id": identifier,
        "X-MLflow-Timestamp": str(now),
        "X-MLflow-Signature": sign(secret, identifier, now, body),
    }
    return APIClient(headers=headers).generic("POST", PATH, body, "application/json", **extra)


def hints() -> list[str]:
    jobs = Job.objects.filter(kind="mlflow_refetch").order_by("pk")
    return list(jobs.values_list("subject_label", flat=True))


@override_settings(MLFLOW_WEBHOOK_SECRETS=[SECRET])
def test_a_signed_delivery_lets_a_worker_fetch_what_it_names() -> None:
    answer = deliver(body_of())
    assert (answer.status_code, answer.json()) == (202, {"accepted": True})
    assert hints() == ["churn/3"]


@override_settings(MLFLOW_WEBHOOK_SECRETS=[SECRET])
def test_a_delivery_counts_once() -> None:
    deliver(body_of())
    assert deliver(body_of()).json() == {"accepted": False}
    assert (len(hints()), WebhookReceipt.objects.count()) == (1, 1)


@override_settings(MLFLOW_WEBHOOK_SECRETS=["new", SECRET])
def test_while_a_secret_is_replaced_both_are_taken() -> None:
    assert deliver(body_of(), identifier="a").status_code == 202
    assert deliver(body_of(), identifier="b", secret="new").status_code == 202


@override_settings(MLFLOW_WEBHOOK_SECRETS=[SECRET])
@pytest.mark.parametrize("wrong", [{"secret": "another"}, {"age_s": 301}, {"age_s": -301}])
def test_what_is_unsigned_or_old_is_refused(wrong: dict[str, Any]) -> None:
    assert deliver(body_of(), **wrong).status_code == 403
    assert not hints()
    assert not WebhookReceipt.objects.exists()


@override_settings(MLFLOW_WEBHOOK_SECRETS=[SECRET])
def test_the_signature_is_over_the_bytes_as_they_came() -> None:
    now, body = str(int(time.time())), body_of()
    headers = {
        "X-MLflow-Delivery-Id": "d",
        "X-MLflow-Timestamp": now,
        "X-MLflow-Signature": sign(SECRET, "d", int(now), body),
    }
    spaced = body.replace(b":", b": ")
    answer = APIClient(headers=headers).generic("POST", PATH, spaced, "application/json")
    assert answer.status_code == 403


def test_without_a_secret_there_is_no_hook() -> None:
    assert deliver(body_of()).status_code == 404


@override_settings(MLFLOW_WEBHOOK_SECRETS=[SECRET])
def test_a_hint_that_comes_while_another_is_fetched_is_fetched_again() -> None:
    deliver(body_of(), identifier="a")
    Job.objects.update(status="running")
    deliver(body_of(), identifier="b")
    deliver(body_of(), identifier="c")
    assert hints() == ["churn/3", "churn/3"]


@override_settings(MLFLOW_WEBHOOK_SECRETS=[SECRET])
def test_a_name_that_no_job_can_carry_asks_for_a_sweep() -> None:
    deliver(body_of(name="x" * 200))
    assert Job.objects.filter(kind="mlflow_sweep").count() == 1


@override_settings(MLFLOW_WEBHOOK_SECRETS=[SECRET], RATE_LIMIT_ANONYMOUS="3/m")
def test_deliveries_are_counted() -> None:
    seen = [deliver(body_of(), identifier=str(n)).status_code for n in range(5)]
    assert seen[-1] == 429
