"""The form that tries a deployment, over the twin that serves within this process."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from django.urls import reverse

from deployments.admin import trying
from deployments.choices import RevisionStatus
from deployments.endpoints import target_of_revision
from deployments.models import Revision
from deployments.prediction_log import Entry
from deployments.providers.memory import MemoryProvider
from hokusai.accounts.choices import Role
from tests.factories import DeploymentFactory, PredictionFactory, RevisionFactory
from tests.staff import Staff, staff_in

pytestmark = pytest.mark.django_db
SIGNATURE = {
    "inputs": [
        {"name": "a", "type": "double", "required": True},
        {"name": "b", "type": "long", "required": False},
    ]
}
EXAMPLE = {"columns": ["a", "b"], "data": [[1.5, 2], [3.5, 4]]}


@pytest.fixture
def live(memory: MemoryProvider) -> Revision:
    row = RevisionFactory(
        status=RevisionStatus.LIVE, version__signature=SIGNATURE, version__input_example=EXAMPLE
    )
    row.endpoint = memory.deploy(target_of_revision(row.public_id).spec, timeout_s=1).handle
    row.save(update_fields=["endpoint"])
    return row


@pytest.fixture
def engineer(live: Revision) -> Staff:
    return staff_in(live.project, Role.ENGINEER)


@pytest.fixture(autouse=True)
def logged(monkeypatch: pytest.MonkeyPatch) -> list[Entry]:
    entries: list[Entry] = []
    monkeypatch.setattr("deployments.prediction_log.put", entries.append)
    return entries


@pytest.fixture
def send(live: Revision, engineer: Staff) -> Callable[..., dict[str, Any]]:
    """Sends the form; what the panel is then made of."""
    url = reverse("admin:deployments_deployment_try", args=[live.deployment.pk])

    def post(**typed: str) -> dict[str, Any]:
        (panel,) = engineer.client.post(url, typed).context["page"].panels
        return dict(panel.context)

    return post


def test_the_form_has_a_field_for_each_column_with_the_example_in_it(
    live: Revision, engineer: Staff
) -> None:
    url = reverse("admin:deployments_deployment_change", args=[live.deployment.pk])
    panels = engineer.client.get(url).context["page"].panels
    (shown,) = [panel.context for panel in panels if panel and panel.title == "Try a prediction"]
    assert [(field.name, field.kind, field.value, field.required) for field in shown["fields"]] == [
        ("a", "double", "1.5", True),
        ("b", "long", "2", False),
    ]
    assert orjson.loads(shown["text"])["rows"] == [{"a": 1.5, "b": 2}, {"a": 3.5, "b": 4}]


def test_what_is_typed_is_answered_by_what_serves(
    send: Callable[..., dict[str, Any]], live: Revision
) -> None:
    shown = send(c0="2.25", c1="4")
    tried = shown["tried"]
    assert [row.prediction for row in tried.rows] == ["6.25"]
    assert (tried.version, tried.revision) == (live.version.number, live.public_id)
    assert [field.value for field in shown["fields"]] == ["2.25", "4"]


def test_the_same_request_is_given_for_a_shell(
    send: Callable[..., dict[str, Any]], live: Revision
) -> None:
    said = send(c0="2.25", c1="4")["curl"]
    assert f"/api/v1/models/{live.deployment.model.model_id}/predict" in said
    assert """-d '{"rows":[{"a":2.25,"b":4}]}'""" in said


def test_a_try_is_logged_as_the_person_who_made_it(
    send: Callable[..., dict[str, Any]], engineer: Staff, logged: list[Entry]
) -> None:
    send(c0="1", c1="1")
    (entry,) = logged
    assert (entry.key_id, entry.status, entry.rows) == (engineer.user.public_id, 200, 1)


@pytest.mark.parametrize("typed", ["many", "1,5", "nan", "inf"])
def test_what_is_no_number_is_told_at_its_field(
    send: Callable[..., dict[str, Any]], logged: list[Entry], typed: str
) -> None:
    shown = send(c0=typed, c1="4")
    first, second = shown["fields"]
    assert (first.value, bool(first.error), second.error) == (typed, True, "")
    assert (shown["tried"].column, shown["tried"].row, shown["tried"].rows) == ("a", 0, ())
    assert logged[0].status == 400


def test_an_optional_column_may_stay_empty(send: Callable[..., dict[str, Any]]) -> None:
    assert send(c0="3", c1="")["tried"].rows[0].prediction == "3"


def test_several_rows_are_given_as_json(send: Callable[..., dict[str, Any]]) -> None:
    shown = send(tab="json", text='{"rows": [{"a": 1, "b": 2}, {"a": 3, "b": 4}]}')
    assert [row.prediction for row in shown["tried"].rows] == ["3", "7"]


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"rows": []}', '{"rows": [[1]]}', "{"])
def test_json_that_is_no_request_is_refused_and_kept(
    send: Callable[..., dict[str, Any]], text: str
) -> None:
    shown = send(tab="json", text=text)
    assert shown["tried"].error
    assert shown["text"] == text


def test_a_model_that_fails_is_told_of(
    send: Callable[..., dict[str, Any]], live: Revision, memory: MemoryProvider
) -> None:
    def failing(row: Any) -> dict[str, Any]:
        raise ValueError("secret")

    memory.models[live.digest] = failing
    shown = send(tab="json", text='{"rows": [{"a": "x", "b": 2}]}')
    assert shown["tried"].error
    assert "secret" not in shown["tried"].error


def test_probabilities_are_drawn_the_likeliest_first() -> None:
    row = trying._output(0, {"prediction": "b", "probability.a": 0.25, "probability.b": 0.75})
    assert [(bar.label, bar.percent) for bar in row.bars] == [("b", 75.0), ("a", 25.0)]


def test_the_limit_of_the_deployment_holds_for_the_form(
    send: Callable[..., dict[str, Any]], live: Revision
) -> None:
    live.deployment.rate_per_minute = 1
    live.deployment.save(update_fields=["rate_per_minute"])
    codes = {send(c0="1", c1="1")["tried"].code for _ in range(3)}
    assert "too_many_requests" in codes


def test_a_version_without_a_signature_is_tried_with_json(live: Revision, engineer: Staff) -> None:
    live.version.signature = {}
    live.version.save(update_fields=["signature"])
    url = reverse("admin:deployments_deployment_try", args=[live.deployment.pk])
    (panel,) = engineer.client.get(url).context["page"].panels
    assert (panel.context["json_only"], panel.context["tab"]) == (True, "json")


def test_where_nothing_is_live_there_is_nothing_to_try(live: Revision) -> None:
    place = DeploymentFactory(model__project=live.project)
    staff = staff_in(live.project, Role.ENGINEER)
    url = reverse("admin:deployments_deployment_try", args=[place.pk])
    (panel,) = staff.client.post(url, {"c0": "1"}).context["page"].panels
    assert "Nothing is live" in panel.context["empty"]


def test_a_viewer_may_try_and_reads_no_log(live: Revision) -> None:
    viewer = staff_in(live.project, Role.VIEWER)
    page = reverse("admin:deployments_deployment_change", args=[live.deployment.pk])
    titles = {panel.title for panel in viewer.client.get(page).context["page"].panels if panel}
    assert "Try a prediction" in titles
    assert not titles & {"Latency", "Latest failed predictions"}


def test_the_page_draws_the_log_and_names_what_failed(live: Revision, engineer: Staff) -> None:
    PredictionFactory.create_batch(3, of=live)
    PredictionFactory(of=live, status=400, code="invalid_input")
    url = reverse("admin:deployments_deployment_change", args=[live.deployment.pk])
    page = engineer.client.get(url, {"range": "24h"}).context["page"]
    panels = {panel.title: panel.context for panel in page.panels if panel}
    answered, errors = panels["Requests and errors"]["data"]["series"]
    assert (sum(answered["values"]), sum(errors["values"])) == (3, 1)
    assert len(panels["Latency"]["data"]["labels"]) == 48
    (failed,) = panels["Latest failed predictions"]["rows"]
    assert "invalid_input" in failed[2]


def test_an_unknown_range_is_the_last_hour(live: Revision, engineer: Staff) -> None:
    url = reverse("admin:deployments_deployment_change", args=[live.deployment.pk])
    page = engineer.client.get(url, {"range": "year"}).context["page"]
    (latency,) = [panel for panel in page.panels if panel and panel.title == "Latency"]
    assert latency.context["empty"] == "The log holds no prediction of the last hour."


def test_the_page_costs_a_bounded_number_of_queries(
    live: Revision, engineer: Staff, django_assert_max_num_queries: Any
) -> None:
    PredictionFactory.create_batch(3, of=live)
    RevisionFactory.create_batch(4, deployment=live.deployment, status=RevisionStatus.RETIRED)
    url = reverse("admin:deployments_deployment_change", args=[live.deployment.pk])
    engineer.client.get(url)
    with django_assert_max_num_queries(34):
        engineer.client.get(url)
