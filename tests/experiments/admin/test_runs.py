from typing import Any

import pytest
from django.http import HttpResponse
from django.urls import reverse

from experiments import histories
from experiments.models import Run
from hokusai.accounts.choices import Role
from hokusai.accounts.models import Project
from hokusai.core.models import Job
from hokusai.web.panels import Page, Panel
from registry.models import TrackedExperiment
from tests.factories import (
    ModelVersionFactory,
    ProjectFactory,
    RunFactory,
    RunHistoryFactory,
    TrackedExperimentFactory,
)
from tests.staff import SENT, Staff, staff_in

pytestmark = pytest.mark.django_db
LIST = "admin:experiments_run_changelist"


@pytest.fixture
def project() -> Project:
    return ProjectFactory()


@pytest.fixture
def experiment(project: Project) -> TrackedExperiment:
    return TrackedExperimentFactory(project=project, name="digits")


@pytest.fixture
def viewer(project: Project) -> Staff:
    return staff_in(project, Role.VIEWER)


def page_of(staff: Staff, run: Run) -> Page:
    page: Page = staff.client.get(url_of(run)).context["page"]
    return page


def url_of(run: Run) -> str:
    return reverse("admin:experiments_run_change", args=[run.pk])


def compare_url(*runs: Run) -> str:
    chosen = "-".join(str(run.pk) for run in runs)
    return reverse("admin:experiments_run_compare", args=[chosen])


def panel(page: Page, title: str) -> Panel:
    (found,) = (one for one in page.panels if one is not None and one.title == title)
    return found


def ticked(staff: Staff, runs: list[Run]) -> Any:
    given = {"action": "compare", "_selected_action": [str(run.pk) for run in runs]}
    return staff.client.post(reverse(LIST), given)


def test_the_list_shows_the_runs_of_ones_projects(
    viewer: Staff, experiment: TrackedExperiment
) -> None:
    RunFactory(experiment=experiment, name="mine", metrics={"loss": 0.25})
    RunFactory(name="theirs")
    shown = viewer.client.get(reverse(LIST)).content.decode()
    assert "mine" in shown
    assert "loss 0.25" in shown
    assert "theirs" not in shown


def test_an_empty_list_says_where_runs_come_from(viewer: Staff) -> None:
    assert "Map one of its experiments" in viewer.client.get(reverse(LIST)).content.decode()


def test_a_runs_page_shows_what_it_was_given_and_what_came_out(
    viewer: Staff, experiment: TrackedExperiment
) -> None:
    run = RunFactory(experiment=experiment, tags={"team": "<b>risk</b>"}, name="x" * 400)
    version = ModelVersionFactory(model__project=experiment.project, run_id=run.run_id)
    ModelVersionFactory(run_id=run.run_id)
    answer = viewer.client.get(url_of(run))
    page = answer.context["page"]
    assert panel(page, "Metrics").context["rows"][0][1] == "0.9"
    assert "0.5" in panel(page, "Parameters").context["rows"][0][1]
    (made,) = panel(page, "Versions made from it").context["rows"]
    assert str(version) in made[0]
    assert "<b>risk</b>" not in answer.content.decode()


def test_a_run_of_another_project_is_not_there(viewer: Staff) -> None:
    assert viewer.client.get(url_of(RunFactory())).status_code == 404


@pytest.mark.parametrize("lifecycle", ["deleted", "missing"])
def test_a_run_that_is_gone_there_says_so(
    lifecycle: str, viewer: Staff, experiment: TrackedExperiment
) -> None:
    page = page_of(viewer, RunFactory(experiment=experiment, lifecycle=lifecycle))
    assert len(page.notices) == 1
    assert lifecycle in page.badges[0]


def test_curves_are_fetched_on_request_and_then_drawn(
    viewer: Staff, experiment: TrackedExperiment
) -> None:
    run = RunFactory(experiment=experiment)
    assert "Fetch curves" in panel(page_of(viewer, run), "Curves").context["empty"]
    url = reverse("admin:experiments_run_fetch_curves", args=[run.pk])
    viewer.client.post(url, SENT)
    assert Job.objects.get().kind == histories.KIND
    waiting = page_of(viewer, run)
    assert waiting.refresh_s
    assert "being fetched" in panel(waiting, "Curves").context["empty"]
    Job.objects.all().delete()
    RunHistoryFactory(run=run)
    page = page_of(viewer, run)
    assert panel(page, "accuracy").context["data"]["lines"][0]["points"] == [[0, 0.5], [1, 0.9]]
    assert not page.refresh_s


def test_a_run_without_metrics_offers_no_curves(
    viewer: Staff, experiment: TrackedExperiment
) -> None:
    run = RunFactory(experiment=experiment, metrics={})
    answer = viewer.client.get(url_of(run))
    assert "no curves" in panel(answer.context["page"], "Curves").context["empty"]
    assert reverse("admin:experiments_run_fetch_curves", args=[run.pk]) not in str(answer.content)


def test_ticked_runs_are_compared(viewer: Staff, experiment: TrackedExperiment) -> None:
    runs = [RunFactory(experiment=experiment) for _ in range(3)]
    answer = ticked(viewer, runs)
    assert answer.status_code == 302
    assert viewer.client.get(answer["Location"]).status_code == 200


@pytest.mark.parametrize("count", [1, 21])
def test_one_run_or_too_many_are_not_compared(
    count: int, viewer: Staff, experiment: TrackedExperiment
) -> None:
    runs = [RunFactory(experiment=experiment) for _ in range(count)]
    answer = ticked(viewer, runs)
    assert answer["Location"].endswith(reverse(LIST))
    assert viewer.client.get(compare_url(*runs)).status_code == 404


def test_runs_side_by_side_show_what_differs(viewer: Staff, experiment: TrackedExperiment) -> None:
    one = RunFactory(experiment=experiment, parameters={"C": "1", "same": "x"}, metrics={"a": 0.5})
    other = RunFactory(experiment=experiment, parameters={"C": "2", "same": "x"}, metrics={})
    page = viewer.client.get(compare_url(one, other)).context["page"]
    ((name, *values),) = panel(page, "Parameters that differ").context["rows"]
    assert "C" in name
    assert ["1" in values[0], "2" in values[1]] == [True, True]
    drawing = panel(page, "Parameters and metrics together").context
    assert [axis["name"] for axis in drawing["data"]["axes"]] == ["C", "a"]
    assert drawing["empty"] == ""


def test_equal_runs_say_so(viewer: Staff, experiment: TrackedExperiment) -> None:
    page = viewer.client.get(
        compare_url(*RunFactory.create_batch(2, experiment=experiment))
    ).context["page"]
    assert panel(page, "Parameters that differ").context["rows"] == []
    assert "fewer than two" in panel(page, "Parameters and metrics together").context["empty"]


def test_curves_of_several_runs_are_drawn_together_and_the_rest_fetched(
    viewer: Staff, experiment: TrackedExperiment
) -> None:
    one, other = RunFactory.create_batch(2, experiment=experiment)
    RunHistoryFactory(run=one)
    page = viewer.client.get(compare_url(one, other)).context["page"]
    assert len(panel(page, "accuracy").context["data"]["lines"]) == 1
    assert panel(page, "Curves").context["runs"] == [str(other)]
    answer: HttpResponse = viewer.client.post(compare_url(one, other))
    assert answer["Location"] == compare_url(one, other)
    assert Job.objects.filter(kind=histories.KIND).count() == 2


def test_a_comparison_with_a_hidden_run_is_not_there(
    viewer: Staff, experiment: TrackedExperiment
) -> None:
    url = compare_url(RunFactory(experiment=experiment), RunFactory())
    assert viewer.client.get(url).status_code == 404
    assert viewer.client.post(url).status_code == 404
    assert not Job.objects.exists()


@pytest.mark.parametrize("chosen", ["x-y", "1", "-", "1-" + "9" * 30, "٣-٤"])
def test_a_comparison_of_nothing_known_is_not_there(chosen: str, viewer: Staff) -> None:
    url = reverse("admin:experiments_run_compare", args=[chosen])
    assert viewer.client.get(url).status_code == 404
