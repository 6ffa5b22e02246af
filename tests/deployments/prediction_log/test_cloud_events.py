"""The events against the attributes of CloudEvents 1.0, section by section."""

import re
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from deployments.log_models import PredictionLog
from deployments.prediction_log import cloud_events
from tests.factories import PredictionFactory

pytestmark = pytest.mark.django_db
# 3.1 naming: lower-case letters and digits; "SHOULD NOT exceed 20 characters".
NAME = re.compile(r"[a-z0-9]{1,20}")
REQUIRED = {"id", "source", "specversion", "type"}
OPTIONAL = {"datacontenttype", "dataschema", "subject", "time"}


def events_of(**fields: Any) -> list[dict[str, Any]]:
    PredictionFactory(**fields)
    row = PredictionLog.objects.select_related("deployment", "revision__version__model").get()
    texts = list(cloud_events.lines(row))
    assert all(text.endswith(b"\n") and text.count(b"\n") == 1 for text in texts)
    return [orjson.loads(text) for text in texts]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"input": None, "output": None, "content_type": ""},
        {"status": 502, "code": "model_error", "output": {"code": "model_error"}},
        {"redacted": ["name", "a,b"]},
    ],
)
def test_every_event_has_the_attributes_of_the_specification(fields: dict[str, Any]) -> None:
    for event in events_of(**fields):
        assert set(event) >= REQUIRED
        assert event["specversion"] == "1.0"
        assert all(isinstance(event[name], str) and event[name] for name in REQUIRED)
        assert urlsplit(event["source"]).scheme
        assert datetime.fromisoformat(event["time"]).tzinfo is not None
        assert ("data" in event) == ("datacontenttype" in event)
        for name in set(event) - REQUIRED - OPTIONAL - {"data"}:
            assert NAME.fullmatch(name)
            # 3.1 types: extensions are booleans, 32-bit integers or strings that are not empty.
            assert isinstance(event[name], str | int)
            assert event[name] != ""
            assert isinstance(event[name], str) or abs(event[name]) < 2**31


def test_request_and_response_share_the_id_of_the_request() -> None:
    asked, answered = events_of(request_id="req_1")
    assert asked["id"] == answered["id"] == "req_1"
    assert (asked["type"], answered["type"]) == (
        "org.kubeflow.serving.inference.request",
        "org.kubeflow.serving.inference.response",
    )
    assert asked["data"] == {"rows": [{"a": 1.0}]}
    assert answered["data"]["outputs"] == [{"prediction": 1.0}]
    assert asked["source"].endswith(
        f"/deployments/{PredictionLog.objects.get().deployment.public_id}"
    )


def test_an_error_is_told_as_one() -> None:
    _, answered = events_of(status=502, code="model_error", output={"code": "model_error"})
    assert (answered["statuscode"], answered["errorcode"]) == (502, "model_error")
    assert answered["data"]["error"] == {"code": "model_error"}
    assert "outputs" not in answered["data"]


def test_hidden_columns_are_named() -> None:
    asked, _ = events_of(redacted=["name", "born"])
    assert asked["redacted"] == "name,born"
