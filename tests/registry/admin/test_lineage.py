import csv
import io

import pytest
from django.urls import reverse

from hokusai.accounts.choices import Role
from hokusai.accounts.models import Project
from registry.choices import EdgeKind, NodeKind
from tests.factories import DatasetVersionFactory, ModelFactory, ModelVersionFactory, UserFactory
from tests.lineages import Line, link, point
from tests.staff import Staff, logged_in, staff_in

pytestmark = pytest.mark.django_db
PAGES = ("lineage", "lineage-downstream", "lineage-gain")


@pytest.fixture
def staff(project: Project) -> Staff:
    return staff_in(project, Role.ENGINEER)


@pytest.fixture
def line(project: Project) -> Line:
    """v1 -> v2 -> v3, v2 measured better than v1 by what anna gave."""
    found = Line(project)
    for _ in range(3):
        found.version()
    improvement = found.improvement("one", baseline=1, candidate=2, delta_ppm=12_500)
    found.credit(improvement, "anna", 10_000)
    return found


def page(staff: Staff, name: str, public_id: str, **query: str) -> str:
    answer = staff.client.get(reverse(f"admin:{name}", args=[public_id]), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_graph_has_a_page_of_its_own(staff: Staff, line: Line) -> None:
    shown = page(staff, "lineage", line.versions[1].public_id)
    assert f"Lineage of {line.versions[1]}" in shown
    assert '"full": true' in shown
    # The gain and who it is owed to stand on the edge from parent to child.
    assert "1.25 pp by 1 contributor" in shown


def test_downstream_lists_the_nearest_first_and_counts_by_kind(staff: Staff, line: Line) -> None:
    shown = page(staff, "lineage-downstream", line.versions[0].public_id)
    assert "1 comparison, 1 improvement, 2 version" in shown
    assert shown.index(f">{line.versions[1]}<") < shown.index("name of imp_one")


def test_a_tables_versions_say_whether_they_were_trained_on_it(staff: Staff, line: Line) -> None:
    table = point(NodeKind.DATASET, "dsv_a", line.project)
    link(table, line.points[1], EdgeKind.TRAINED_ON)
    shown = page(staff, "lineage-used-by", "dsv_a")
    assert "1 trained on it, 1 descended from those." in shown
    assert "inherited" in shown


def test_the_gain_names_each_step_and_who_is_credited(staff: Staff, line: Line) -> None:
    for public_id in (line.versions[2].public_id, line.model.public_id):
        shown = page(staff, "lineage-gain", public_id)
        assert "name of cbr_anna: 100 %" in shown
        assert "Sum of the steps: +1.25 pp accuracy." in shown
        assert "not measured" in shown
        assert "no measurement of the last" in shown


def test_an_empty_answer_says_what_to_do(staff: Staff, project: Project) -> None:
    table = DatasetVersionFactory(dataset__project=project)
    version = ModelVersionFactory(model__project=project)
    assert "when you register one" in page(staff, "lineage-used-by", table.public_id)
    assert "Nothing came of it yet." in page(staff, "lineage-downstream", table.public_id)
    assert "choose Evaluate" in page(staff, "lineage-gain", version.public_id)
    assert "Nothing led here yet" in page(staff, "lineage", version.public_id)


def test_answers_are_taken_away_as_files(staff: Staff, line: Line) -> None:
    public_id = line.versions[0].public_id
    table = page(staff, "lineage-downstream", public_id, export="csv")
    assert len(list(csv.reader(io.StringIO(table)))) == 5
    for name in PAGES:
        assert "urn:hokusai:" in page(staff, name, public_id, export="prov-json")
    url = reverse("admin:lineage-downstream", args=[public_id])
    assert staff.client.get(url, {"export": "xml"}).status_code == 404


@pytest.mark.parametrize("name", PAGES)
def test_what_is_hidden_and_what_is_absent_are_the_same_404(name: str, line: Line) -> None:
    stranger = staff_in(None, Role.VIEWER)
    for public_id in (line.versions[0].public_id, "mdv_absent", "mdl_absent"):
        answer = stranger.client.get(reverse(f"admin:{name}", args=[public_id]))
        assert answer.status_code == 404


@pytest.mark.parametrize("name", PAGES)
def test_only_staff_open_the_pages(name: str, line: Line) -> None:
    url = reverse(f"admin:{name}", args=[line.versions[0].public_id])
    assert logged_in(UserFactory()).get(url).status_code == 302


def test_a_models_page_draws_its_gain_and_a_model_without_versions_does_not(
    staff: Staff, line: Line
) -> None:
    url = reverse("admin:registry_model_change", args=[line.model.pk])
    assert 'data-chart="waterfall"' in staff.client.get(url).content.decode()
    empty = reverse("admin:registry_model_change", args=[ModelFactory(project=line.project).pk])
    assert "Where the gain came from" not in staff.client.get(empty).content.decode()
