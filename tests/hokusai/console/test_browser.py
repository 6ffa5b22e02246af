"""The console in a real browser: nothing is asked of other hosts, and no script fails."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.urls import reverse

from hokusai.accounts.choices import Role
from hokusai.accounts.models import Project
from registry.models import ModelVersion, Promotion
from tests.chromium import FLAGS, executable
from tests.factories import (
    LineageEdgeFactory,
    LineageNodeFactory,
    ModelVersionFactory,
    RunFactory,
    RunHistoryFactory,
    TrackedExperimentFactory,
)
from tests.staff import Staff, staff_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, "executable_path": executable(), "args": FLAGS}


@pytest.fixture
def engineer(project: Project) -> Staff:
    return staff_in(project, Role.ENGINEER)


@pytest.fixture
def console(page: Any, context: Any, live_server: Any, engineer: Staff) -> Iterator[Any]:
    """A page logged in as the engineer; ends in an error where a script or another host did."""
    name = django_settings.SESSION_COOKIE_NAME
    session = {"name": name, "value": engineer.client.cookies[name].value}
    context.add_cookies([{**session, "url": live_server.url}])
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    own = (live_server.url, "data:")
    page.on("request", lambda r: None if r.url.startswith(own) else wrong.append(r.url))
    yield page
    assert not wrong, wrong


def version_page(live_server: Any, version: ModelVersion) -> str:
    return live_server.url + reverse("admin:registry_modelversion_change", args=[version.pk])


def test_a_promotion_is_asked_for_in_the_dialog(
    console: Any, live_server: Any, project: Project
) -> None:
    version = ModelVersionFactory(model__project=project)
    console.goto(version_page(live_server, version))
    console.locator('a[hx-get$="/promote/"]').click()
    console.locator("#dialog select[name=target]").select_option("staging")
    console.locator("#dialog textarea[name=comment]").fill("for the release")
    console.locator("#dialog button[type=submit]").click()
    console.get_by_text("was asked for").first.wait_for()
    assert Promotion.objects.get().comment == "for the release"


def test_lineage_and_history_are_drawn(console: Any, live_server: Any, project: Project) -> None:
    version = ModelVersionFactory(model__project=project, metrics={"accuracy": 0.9})
    node = LineageNodeFactory(public_id=version.public_id, project=project)
    LineageEdgeFactory(src=LineageNodeFactory(project=project), dst=node)
    console.goto(live_server.url + reverse("admin:registry_model_change", args=[version.model.pk]))
    for kind in ("history", "lineage"):
        console.locator(f"[data-chart={kind}] svg").wait_for()


def test_a_lineage_fits_its_box_is_moved_and_fits_again(
    console: Any, live_server: Any, project: Project
) -> None:
    version = ModelVersionFactory(model__project=project)
    node = LineageNodeFactory(public_id=version.public_id, project=project)
    LineageEdgeFactory(
        src=LineageNodeFactory(project=project), dst=node, attributes={"basis_points": 2_500}
    )
    console.goto(version_page(live_server, version))
    svg = console.locator("[data-chart=lineage] svg")
    svg.get_by_text("25 %", exact=True).wait_for()
    left, top, width, height = (float(part) for part in svg.get_attribute("viewBox").split())
    drawn = svg.evaluate("svg => { const b = svg.getBBox(); return [b.x, b.y, b.width, b.height] }")
    assert left <= drawn[0]
    assert top <= drawn[1]
    assert left + width >= drawn[0] + drawn[2]
    assert top + height >= drawn[1] + drawn[3]
    first = svg.get_attribute("viewBox")
    console.get_by_title("Zoom in").click()
    assert svg.get_attribute("viewBox") != first
    console.get_by_title("Show all of it").click()
    assert svg.get_attribute("viewBox") == first


def test_the_dashboard_and_the_jobs_open_without_errors(console: Any, live_server: Any) -> None:
    for name in ("admin:index", "admin:core_job_changelist"):
        console.goto(live_server.url + reverse(name))
        console.locator("#content").wait_for()


def test_a_name_is_text_in_a_tooltip(console: Any, live_server: Any, project: Project) -> None:
    name = "<img src=data:,>"
    version = ModelVersionFactory(model__project=project, metrics={name: 0.9})
    console.goto(live_server.url + reverse("admin:registry_model_change", args=[version.model.pk]))
    console.locator("[data-chart=history] svg").wait_for()
    console.evaluate(
        "() => window.echarts.getInstanceByDom(document.querySelector('[data-chart=history]'))"
        ".dispatchAction({type: 'showTip', seriesIndex: 0, dataIndex: 0})"
    )
    told = console.locator("[data-chart=history]").get_by_text(name).filter(has_text="stage")
    told.wait_for()
    assert console.locator("[data-chart=history] img").count() == 0


def test_ticked_runs_are_compared_and_drawn(
    console: Any, live_server: Any, project: Project
) -> None:
    experiment = TrackedExperimentFactory(project=project)
    for number in (1, 2):
        run = RunFactory(
            experiment=experiment,
            parameters={"C": str(number), "solver": f"solver-{number}"},
            metrics={"accuracy": number / 4},
        )
        RunHistoryFactory(run=run)
    console.goto(live_server.url + reverse("admin:experiments_run_changelist"))
    for box in console.locator("input[name=_selected_action]").all():
        box.check()
    console.locator("select[name=action]").select_option("compare")
    console.locator("button[name=index]").first.click()
    for kind in ("parallel", "curves"):
        console.locator(f"[data-chart={kind}] svg").wait_for()
    assert console.get_by_text("solver-2").count()
