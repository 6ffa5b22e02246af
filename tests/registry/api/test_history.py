from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from registry.choices import Stage
from registry.models import Model, ModelVersion
from tests.factories import (
    ArtifactScanFactory,
    ModelFactory,
    ModelVersionFactory,
    PromotionPolicyFactory,
    client_as,
    client_of,
    member,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def model() -> Model:
    found: Model = ModelFactory()
    PromotionPolicyFactory(project=found.project, blocking=[])
    return found


def url(model: Model, rest: str) -> str:
    return f"/api/v1/models/{model.model_id}/{rest}"


def promoted(model: Model) -> ModelVersion:
    version = ModelVersionFactory(model=model)
    path = url(model, f"versions/{version.number}/promotions")
    asked = client_as(model.project).post(path, {"target": "production"}).json()
    done = client_as(model.project, "reviewer").post(f"{path}/{asked['id']}/approve", {})
    assert done.json()["status"] == "approved"
    return version


def test_at_a_time_nothing_or_one_version_was_in_production(model: Model) -> None:
    before = timezone.now()
    version = promoted(model)
    client = client_as(model.project, "viewer")
    path = url(model, "at")
    nothing = client.get(path, {"time": before.isoformat()})
    assert nothing.status_code == 200
    assert (nothing.json()["version"], nothing.json()["production"]) == (None, None)
    now = client.get(path, {"time": timezone.now().isoformat()}).json()
    assert now["version"] == version.number
    assert now["production"]["decided"]["approved_by"]
    assert now["production"]["decided"]["promotion"].startswith("prm_")


@pytest.mark.parametrize(
    "time",
    [
        "",
        "yesterday",
        "2026-01-31",
        "2026-01-31T12:00:00",
        "2026-02-30T12:00:00Z",
        "2026-01-31T25:00:00Z",
        "20260131T120000Z",
        "9999-12-31T23:59:59-23:59",
        "2026-01-31T12:00:00+99:99",
    ],
)
def test_what_is_no_time_is_refused(time: str, model: Model) -> None:
    answer = client_as(model.project).get(url(model, "at"), {"time": time})
    assert answer.status_code == 400
    assert answer.json()["code"]


def test_a_time_ahead_is_refused(model: Model) -> None:
    ahead = (timezone.now() + timedelta(minutes=1)).isoformat()
    assert client_as(model.project).get(url(model, "at"), {"time": ahead}).status_code == 400


def test_an_offset_whose_plus_was_read_as_a_space_is_understood(model: Model) -> None:
    path = url(model, "at?time=2026-01-31T12:00:00+01:00")
    answer = client_as(model.project).get(path)
    assert answer.status_code == 200
    assert answer.json()["time"] == "2026-01-31T11:00:00Z"


def test_history_is_newest_first_and_says_when_there_is_more(model: Model) -> None:
    promoted(model)
    promoted(model)
    client = client_as(model.project, "viewer")
    whole = client.get(url(model, "history")).json()
    moves = [(row["version"], row["after"]) for row in whole["changes"]]
    assert moves == [(2, "production"), (1, "archived"), (1, "production")]
    assert whole["truncated"] is False
    some = client.get(url(model, "history?limit=1")).json()
    assert (len(some["changes"]), some["truncated"]) == (1, True)


def test_one_call_rolls_back(model: Model) -> None:
    promoted(model)
    promoted(model)
    answer = client_as(model.project, "reviewer").post(url(model, "rollback"), {"comment": "slow"})
    assert answer.status_code == 200
    assert (answer.json()["number"], answer.json()["stage"]) == (1, "production")
    again = client_as(model.project, "reviewer").post(url(model, "rollback"), {})
    assert again.status_code == 409


def retirement(successor: int = 2, **fields: Any) -> dict[str, Any]:
    return {"successor": successor, "sunset_at": "2999-01-01T00:00:00Z", **fields}


def test_a_retired_version_is_answered_with_what_replaces_it(model: Model) -> None:
    old, new = (ModelVersionFactory(model=model) for _ in range(2))
    path = url(model, f"versions/{old.number}")
    done = client_as(model.project, "reviewer").post(f"{path}/retire", retirement())
    assert done.status_code == 200
    assert (done.json()["successor"], done.json()["stage"]) == (new.public_id, "archived")
    old.refresh_from_db()
    assert old.deprecated_at is not None
    answer = client_as(model.project, "viewer").get(path)
    assert answer["Deprecation"] == f"@{int(old.deprecated_at.timestamp())}"
    assert answer["Sunset"] == "Tue, 01 Jan 2999 00:00:00 GMT"
    assert answer["Link"] == (
        f'</api/v1/models/{model.model_id}/versions/{new.number}>; rel="successor-version"'
    )
    assert "Deprecation" not in client_as(model.project).get(url(model, f"versions/{new.number}"))


@pytest.mark.parametrize(
    "wrong", [{"successor": 9}, {"successor": 1}, {"sunset_at": "2020-01-01T00:00:00Z"}]
)
def test_a_retirement_that_cannot_be_is_refused(wrong: dict[str, Any], model: Model) -> None:
    version = ModelVersionFactory(model=model)
    ModelVersionFactory(model=model)
    path = url(model, f"versions/{version.number}/retire")
    answer = client_as(model.project, "reviewer").post(path, retirement(**wrong))
    assert answer.status_code == 400


def test_a_version_in_production_is_not_retired(model: Model) -> None:
    version = ModelVersionFactory(model=model, stage=Stage.PRODUCTION)
    ModelVersionFactory(model=model)
    path = url(model, f"versions/{version.number}/retire")
    assert client_as(model.project, "owner").post(path, retirement()).status_code == 409


def test_a_scan_is_reviewed_with_a_reason(model: Model) -> None:
    scan = ArtifactScanFactory(version__model=model, verdict="suspicious")
    path = url(model, f"versions/{scan.version.number}/scan/review")
    client = client_of(member(model.project, "reviewer"))
    assert client.post(path, {}).status_code == 400
    answer = client.post(path, {"comment": "a known import"})
    assert (answer.status_code, answer.json()["review_comment"]) == (200, "a known import")
    assert client.post(path, {"comment": "again"}).status_code == 409
