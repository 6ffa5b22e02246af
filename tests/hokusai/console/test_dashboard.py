import pytest
from django.urls import reverse
from django.utils import timezone

from experiments.choices import ComparisonStatus
from hokusai.accounts.models import Project
from tests.factories import (
    BenchmarkFactory,
    ComparisonFactory,
    ModelFactory,
    ModelVersionFactory,
    PromotionFactory,
)
from tests.staff import Staff

pytestmark = pytest.mark.django_db


def panels(staff: Staff) -> dict[str, object]:
    answer = staff.client.get(reverse("admin:index"))
    assert answer.status_code == 200
    return {panel.title: panel for panel in answer.context["panels"]}


def test_the_charts_draw_what_is_in_ones_projects(engineer: Staff, project: Project) -> None:
    model = ModelFactory(project=project)
    ModelVersionFactory.create_batch(2, model=model)
    ModelVersionFactory()
    benchmark = BenchmarkFactory(project=project)
    for status in (ComparisonStatus.ACCEPTED, ComparisonStatus.REFUSED, ComparisonStatus.REFUSED):
        ComparisonFactory(benchmark=benchmark, status=status, decided_at=timezone.now())
    shown = panels(engineer)
    versions = shown["Versions registered per week"].context["data"]["series"][0]["values"]
    accepted, refused = shown["Improvements accepted and refused per week"].context["data"][
        "series"
    ]
    # Six more versions came with the comparisons.
    assert versions[-1] == 8
    assert (accepted["values"][-1], refused["values"][-1]) == (1, 2)


def test_without_data_each_panel_says_what_to_do(engineer: Staff) -> None:
    shown = panels(engineer)
    assert "Register one" in shown["Versions registered per week"].context["empty"]
    assert "Deploy" in shown["Serving"].context["empty"]


def test_promotions_that_wait_are_listed(engineer: Staff, project: Project) -> None:
    PromotionFactory(version__model__project=project)
    PromotionFactory()
    assert len(panels(engineer)["Awaiting a decision"].context["rows"]) == 1


def test_the_dashboard_asks_as_many_queries_for_many_rows_as_for_few(
    engineer: Staff, project: Project, django_assert_max_num_queries
) -> None:
    ModelVersionFactory.create_batch(5, model__project=project)
    PromotionFactory.create_batch(4, version__model__project=project)
    with django_assert_max_num_queries(40):
        panels(engineer)
