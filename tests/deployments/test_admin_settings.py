from typing import Any

import pytest
from django.urls import reverse

from deployments.admin.dialogs import consequences
from deployments.models import Deployment
from hokusai.accounts.choices import Role
from hokusai.core.models import Event
from hokusai.web.forms import LOOK
from tests.factories import DeploymentFactory, ProjectFactory
from tests.staff import SENT, Staff, staff_in

pytestmark = pytest.mark.django_db
TYPED = {
    "required_stage": "none",
    "rate_per_minute": "",
    "memory_bytes": "1024",
    "deadline_ms": "10000",
    "latency_budget_ms": "2.0",
    "idle_s": "900",
    "personal_data": "on",
    "cache_s": "",
    "log_sample": "100",
    "redacted_columns": "",
    "log_payloads": "on",
}


@pytest.fixture
def place() -> Deployment:
    return DeploymentFactory(model__project=ProjectFactory())


@pytest.fixture
def engineer(place: Deployment) -> Staff:
    return staff_in(place.project, Role.ENGINEER)


def address(place: Deployment) -> str:
    return reverse("admin:deployments_deployment_settings", args=[place.pk])


def send(staff: Staff, place: Deployment, **typed: str) -> Any:
    return staff.client.post(address(place), {**SENT, **TYPED, **typed})


def test_saving_what_was_shown_changes_nothing(engineer: Staff, place: Deployment) -> None:
    assert "HX-Redirect" in send(engineer, place)
    assert not Event.objects.filter(tag="deployment:configured").exists()


def test_settings_are_typed_in_the_units_of_people(engineer: Staff, place: Deployment) -> None:
    send(engineer, place, memory_bytes="512", log_sample="12.5", redacted_columns="age\n name \n\n")
    place.refresh_from_db()
    assert (place.memory_bytes, place.log_sample) == (512 << 20, 0.125)
    assert place.redacted_columns == ["age", "name"]


def test_a_limit_is_set_and_taken_away(engineer: Staff, place: Deployment) -> None:
    send(engineer, place, rate_per_minute="60")
    place.refresh_from_db()
    assert place.rate_per_minute == 60
    send(engineer, place, rate_per_minute="")
    place.refresh_from_db()
    assert place.rate_per_minute is None


def test_a_refused_setting_is_told_at_its_field_and_nothing_typed_is_lost(
    engineer: Staff, place: Deployment
) -> None:
    answer = send(engineer, place, latency_budget_ms="900", deadline_ms="500", idle_s="77")
    assert "HX-Redirect" not in answer
    said = answer.content.decode()
    assert "cannot wait for others as long" in said
    assert 'value="77"' in said
    assert 'value="900"' in said
    place.refresh_from_db()
    assert place.idle_s == 900


@pytest.mark.parametrize(
    "wrong",
    [
        {"memory_bytes": "1"},
        {"memory_bytes": "much"},
        {"log_sample": "101"},
        {"deadline_ms": "0"},
        {"rate_per_minute": "0"},
        {"latency_budget_ms": "nan"},
        {"required_stage": "moon"},
    ],
)
def test_a_value_out_of_bounds_stays_in_the_dialog(
    engineer: Staff, place: Deployment, wrong: dict[str, str]
) -> None:
    answer = send(engineer, place, **wrong)
    assert "HX-Redirect" not in answer
    assert "errors" in answer.content.decode()
    before = place.__dict__.copy()
    place.refresh_from_db()
    assert {name: place.__dict__[name] for name in TYPED} == {name: before[name] for name in TYPED}


def test_a_look_at_what_settings_lead_to_saves_nothing(engineer: Staff, place: Deployment) -> None:
    answer = send(engineer, place, **{LOOK: "1", "rate_per_minute": "60"})
    assert "At most 60 predictions per minute" in answer.content.decode()
    place.refresh_from_db()
    assert place.rate_per_minute is None


def test_a_viewer_sets_nothing(place: Deployment) -> None:
    viewer = staff_in(place.project, Role.VIEWER)
    assert send(viewer, place).status_code == 403
    assert viewer.client.get(address(place)).status_code == 403


def test_keeping_results_of_personal_rows_is_warned_of(place: Deployment) -> None:
    tones = {
        text: tone for tone, _, text in consequences(place, {"personal_data": True, "cache_s": 30})
    }
    assert tones["Results of rows that may tell of persons are kept for 30 s."] == "warning"


def test_unlimited_is_said_in_words(place: Deployment) -> None:
    said = [text for _, _, text in consequences(place, {"rate_per_minute": None})]
    assert "Unlimited: only the limit of each key holds." in said
