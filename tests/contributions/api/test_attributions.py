from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.asserts import assertNumQueries

from contributions.models import Attribution
from hokusai.accounts.choices import Role
from hokusai.core.models import Job
from hokusai.storage import stores
from tests.contributions.test_attribution_reports import done
from tests.factories import (
    AttributionFactory,
    ImprovementFactory,
    TrainingFactory,
    UserFactory,
    client_as,
    client_of,
)

pytestmark = pytest.mark.django_db


def path(attribution: Attribution, tail: str = "") -> str:
    return f"/api/v1/improvements/{attribution.credited.public_id}/attribution{tail}"


def test_an_attribution_shows_values_bounds_shares_and_what_is_payable() -> None:
    attribution = done()
    answer: dict[str, Any] = client_as(attribution.project).get(path(attribution)).json()
    assert (answer["method"], answer["decides"], answer["status"]) == (
        "shapley-exact/1",
        True,
        "done",
    )
    first = answer["players"][0]
    assert first["address"] == attribution.players[0]["address"]
    assert (first["low_ppm"], first["value_ppm"], first["high_ppm"]) == (1_000, 9_000, 17_000)
    assert [line["basis_points"] for line in answer["players"]] == [10_000, 0]
    assert answer["payable_ppm"] == attribution.credited.payable_ppm


def test_of_a_public_project_outsiders_learn_no_address() -> None:
    attribution = done()
    answer = client_of(UserFactory()).get(path(attribution))
    assert answer.status_code == 200
    for player in attribution.players:
        assert player["address"] not in answer.content.decode()


def test_another_method_is_asked_for_and_shown() -> None:
    attribution = done()
    client = client_as(attribution.project, Role.REVIEWER)
    answer = client.post(path(attribution), {"method": "knn-shapley/1"}, format="json")
    assert answer.status_code == 202
    assert [row["method"] for row in answer.json()["alternatives"]] == ["knn-shapley/1"]
    assert Job.objects.filter(kind="attribution").count() == 1


def test_a_method_that_needs_a_training_is_a_conflict_without_one() -> None:
    attribution = done()
    client = client_as(attribution.project)
    answer = client.post(path(attribution), {"method": "leave-one-out/1"}, format="json")
    assert answer.status_code == 409
    improvement = attribution.credited
    TrainingFactory(
        model=improvement.model,
        benchmark=improvement.comparison.benchmark,
        candidate=improvement.candidate,
        control=improvement.baseline,
    )
    answer = client.post(path(attribution), {"method": "leave-one-out/1"}, format="json")
    assert answer.status_code == 202


@pytest.mark.parametrize("body", [{}, {"method": "coin-toss/1"}])
def test_an_unknown_method_is_invalid(body: dict[str, str]) -> None:
    attribution = done()
    answer = client_as(attribution.project).post(path(attribution), body, format="json")
    assert answer.status_code == 400


def test_contributors_and_outsiders_ask_for_nothing() -> None:
    attribution = done()
    body = {"method": "knn-shapley/1"}
    client = client_as(attribution.project, Role.CONTRIBUTOR)
    assert client.post(path(attribution), body, format="json").status_code == 403
    outsider = client_of(UserFactory())
    assert outsider.post(path(attribution), body, format="json").status_code in (403, 404)


def test_the_report_is_answered_byte_for_byte_to_members_alone() -> None:
    content = b'{"coalitions":[]}'
    attribution = done(report_digest=stores["default"].put(content))
    client = client_as(attribution.project, Role.VIEWER)
    assert client.get(path(attribution, "/report")).content == content
    assert client_of(UserFactory()).get(path(attribution, "/report")).status_code == 404


def test_before_it_is_done_there_is_no_report() -> None:
    attribution = done(status="pending")
    client = client_as(attribution.project)
    assert client.get(path(attribution, "/report")).status_code == 404


def test_a_gain_from_before_attributions_has_none() -> None:
    improvement = ImprovementFactory()
    client = client_as(improvement.project)
    answer = client.get(f"/api/v1/improvements/{improvement.public_id}/attribution")
    assert answer.status_code == 404


def test_many_alternatives_cost_no_more_queries() -> None:
    attribution = done()
    client = client_as(attribution.project)
    client.get(path(attribution))
    with assertNumQueries(_queries(client, attribution)):
        for method in ("knn-shapley/1", "leave-one-out/1", "row-weights/1"):
            AttributionFactory(improvement=None, alternative_to=attribution, method=method)
        client.get(path(attribution))


def _queries(client: Any, attribution: Attribution) -> int:
    with CaptureQueriesContext(connection) as captured:
        client.get(path(attribution))
    return len(captured) + 3
