"""The lineage's pages in a real browser, at a thousand points."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.urls import reverse

from hokusai.accounts.choices import Role
from hokusai.accounts.models import Project
from registry.choices import EdgeKind, NodeKind
from registry.models import LineageEdge, LineageNode
from tests.chromium import FLAGS, executable
from tests.lineages import Line
from tests.staff import Staff, staff_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
BOXES = "[data-chart=lineage] [data-box]"


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


def thousand(project: Project) -> None:
    """350 versions with two parents, most with two datasets of their own: 1,000 points."""
    versions = LineageNode.objects.bulk_create(
        LineageNode(
            public_id=f"mdv_{n:032x}",
            kind=NodeKind.VERSION,
            label=f"tides.forecast v{n + 1}",
            project=project,
        )
        for n in range(350)
    )
    tables = LineageNode.objects.bulk_create(
        LineageNode(
            public_id=f"dsv_{n:032x}", kind=NodeKind.DATASET, label=f"Buoys {n}", project=project
        )
        for n in range(650)
    )
    LineageEdge.objects.bulk_create(
        LineageEdge(src=versions[n - back], dst=versions[n], kind=EdgeKind.PARENT)
        for n in range(350)
        for back in (1, 2)
        if n >= back
    )
    LineageEdge.objects.bulk_create(
        LineageEdge(src=table, dst=versions[n // 2], kind=EdgeKind.TRAINED_ON)
        for n, table in enumerate(tables)
    )


def lineage_url(live_server: Any, public_id: str) -> str:
    return live_server.url + reverse("admin:lineage", args=[public_id])


def box(console: Any, text: str) -> Any:
    return console.locator(BOXES).filter(has=console.get_by_text(text, exact=True))


def test_a_graph_of_a_thousand_is_searched_focused_expanded_and_collapsed(
    console: Any, live_server: Any, project: Project
) -> None:
    thousand(project)
    console.goto(lineage_url(live_server, f"mdv_{349:032x}"))
    boxes = console.locator(BOXES)
    boxes.first.wait_for()
    assert 20 < boxes.count() <= 150
    assert console.get_by_text("of 1000 shown").is_visible()
    assert box(console, "tides.forecast v350").count() == 1

    console.get_by_role("combobox", name="Search the graph").fill("forecast v17")
    console.get_by_role("option").filter(has_text="tides.forecast v17").first.wait_for()
    console.keyboard.press("Enter")
    chosen = console.locator(f"{BOXES}.hk-chosen")
    assert chosen.get_by_text("tides.forecast v17", exact=True).count() == 1

    console.locator(".hk-lineage-depth select").select_option("1 step")
    # Itself, two parents, two children, two tables.
    assert boxes.count() == 7
    badges = console.locator("[data-badge]")
    assert badges.count() > 0
    badges.first.focus()
    console.keyboard.press("Enter")
    assert boxes.count() > 7

    shown = boxes.count()
    console.get_by_role("button", name="dataset 650").click()
    assert boxes.count() < shown
    folded = console.locator("[data-chart=lineage] [data-box^=kind]")
    folded.first.click()
    assert boxes.count() == shown

    console.get_by_role("button", name="Start again").click()
    assert box(console, "tides.forecast v350").count() == 1


def test_keys_walk_along_the_lines_and_a_branch_is_collapsed(
    console: Any, live_server: Any, project: Project
) -> None:
    line = Line(project)
    for _ in range(3):
        line.version()
    console.goto(lineage_url(live_server, line.versions[1].public_id))
    details = console.locator(".hk-lineage-details")
    details.get_by_text(str(line.versions[1]), exact=True).wait_for()
    console.locator(f"{BOXES}.hk-chosen").focus()
    console.keyboard.press("ArrowRight")
    details.get_by_text(str(line.versions[2]), exact=True).first.wait_for()
    console.keyboard.press("ArrowLeft")
    console.keyboard.press("ArrowLeft")
    details.locator("h4", has_text=str(line.versions[0])).wait_for()
    console.keyboard.press("ArrowRight")
    details.get_by_role("button", name="Collapse what led here").click()
    assert console.locator(BOXES).count() == 2
    details.get_by_role("button", name="Show what led here (1)").click()
    assert console.locator(BOXES).count() == 3


def test_the_gain_of_a_model_is_drawn_and_leads_to_its_steps(
    console: Any, live_server: Any, project: Project
) -> None:
    line = Line(project)
    line.version()
    line.version()
    line.credit(line.improvement("one", baseline=1, candidate=2, delta_ppm=12_500), "anna", 10_000)
    page = reverse("admin:registry_model_change", args=[line.model.pk])
    console.goto(live_server.url + page)
    console.locator("[data-chart=waterfall] svg").wait_for()
    console.get_by_role("link", name="Each step and who is credited").click()
    console.get_by_role("cell", name="name of cbr_anna: 100 %").wait_for()
    assert console.get_by_text("+1.25 pp accuracy").first.is_visible()
