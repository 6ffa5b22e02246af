"""The console's list of versions: the filters of the API, pages by key, bounded queries."""

from typing import Any

import pytest
from django.urls import reverse

from hokusai.accounts.choices import Role
from registry.admin.versions import ModelVersionAdmin
from registry.models import ModelVersion, VersionMetric
from tests.factories import ModelFactory, ModelVersionFactory, ProjectFactory, VersionTagFactory
from tests.staff import Staff, staff_in

pytestmark = pytest.mark.django_db
URL = reverse("admin:registry_modelversion_changelist")


@pytest.fixture
def engineer() -> Staff:
    return staff_in(ProjectFactory(slug="tides"), Role.ENGINEER)


@pytest.fixture
def versions(engineer: Staff) -> list[ModelVersion]:
    project = engineer.user.memberships.get().project
    model = ModelFactory(project=project, slug="forecast")
    rows = [ModelVersionFactory(model=model) for _ in range(5)]
    for number, row in enumerate(rows):
        VersionTagFactory(version=row, key="team", value="a" if number < 2 else "b")
        VersionMetric.objects.create(version=row, key="f1", value=number / 10)
    ModelVersionFactory(model__slug="forecast")
    return rows


def numbers(page: Any) -> list[int]:
    return [row.number for row in page.context["cl"].result_list]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [5, 4, 3, 2, 1]),
        ("tag=team=a", [2, 1]),
        ("tag=team=a;team=b", []),
        ("tag=team=b&metric=f1>=0.3", [5, 4]),
        ("metric=f1>=0.1&metric=f1<=0.2", [3, 2]),
        ("q=fore", [5, 4, 3, 2, 1]),
        ("q=nothing", []),
        ("stage=production", []),
        ("project=tides&stage=none", [5, 4, 3, 2, 1]),
        ("project=other", []),
        ("registered_before=2020-01-01", []),
    ],
)
def test_filters_in_the_url_are_those_of_the_api(
    engineer: Staff, versions: list[ModelVersion], query: str, expected: list[int]
) -> None:
    assert numbers(engineer.client.get(f"{URL}?{query}")) == expected


@pytest.mark.parametrize("field", ["public_id", "tree_digest", "run_id"])
def test_the_search_box_takes_what_names_a_version(
    engineer: Staff, versions: list[ModelVersion], field: str
) -> None:
    page = engineer.client.get(URL, {"q": getattr(versions[2], field)})
    assert numbers(page) == [3]


@pytest.mark.parametrize("query", ["tag=team", "metric=f1", "stage=shipped", "dataset=x"])
def test_a_filter_that_cannot_be_read_is_told_of(
    engineer: Staff, versions: list[ModelVersion], query: str
) -> None:
    page = engineer.client.get(f"{URL}?{query}")
    assert numbers(page) == []
    assert query.partition("=")[0] in str(*page.context["messages"])


def test_pages_go_by_key_in_both_directions(
    engineer: Staff, versions: list[ModelVersion], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ModelVersionAdmin, "list_per_page", 2)
    first = engineer.client.get(f"{URL}?project=tides")
    older = first.context["cl"].paginator.older
    second = engineer.client.get(URL + older)
    last = engineer.client.get(URL + second.context["cl"].paginator.older)
    assert [numbers(page) for page in (first, second, last)] == [[5, 4], [3, 2], [1]]
    assert first.context["cl"].paginator.newer is None
    assert last.context["cl"].paginator.older is None
    back = engineer.client.get(URL + last.context["cl"].paginator.newer)
    assert numbers(back) == [3, 2]
    assert "project=tides" in older
    assert b'rel="next"' in first.content


def test_a_key_that_is_none_leads_to_the_whole_list(
    engineer: Staff, versions: list[ModelVersion]
) -> None:
    assert engineer.client.get(f"{URL}?before=x").status_code == 302


def test_a_list_sorted_by_a_column_has_numbered_pages(
    engineer: Staff, versions: list[ModelVersion], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ModelVersionAdmin, "list_per_page", 2)
    assert len(numbers(engineer.client.get(f"{URL}?o=2&p=3"))) == 1


@pytest.mark.parametrize("many", [1, 12])
def test_a_page_costs_the_same_for_one_as_for_many(
    engineer: Staff, many: int, django_assert_max_num_queries: Any
) -> None:
    project = engineer.user.memberships.get().project
    for _ in range(many):
        version = ModelVersionFactory(model__project=project)
        ModelVersionFactory(model=version.model, number=2, parent=version)
    engineer.client.get(URL)
    with django_assert_max_num_queries(26):
        engineer.client.get(f"{URL}?tag=team=a&q=x")
    with django_assert_max_num_queries(23):
        page = engineer.client.get(URL)
    assert len(numbers(page)) == min(50, 2 * many)
