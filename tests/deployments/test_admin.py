import pytest
from django.urls import reverse
from django.utils import timezone

from deployments.choices import DeploymentStatus, RevisionStatus
from hokusai.accounts.choices import Role
from hokusai.accounts.models import Project
from hokusai.web.panels import Panel
from tests.factories import (
    DeploymentFactory,
    EventFactory,
    ProjectFactory,
    RevisionFactory,
)
from tests.staff import SENT, Staff, staff_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return ProjectFactory()


@pytest.fixture
def engineer(project: Project) -> Staff:
    return staff_in(project, Role.ENGINEER)


def panel_of(staff: Staff, url: str, title: str) -> Panel:
    """The panel of a page that has this title."""
    panels = staff.client.get(url).context["page"].panels
    (found,) = [panel for panel in panels if panel is not None and panel.title == title]
    return found


def test_a_deployment_is_stopped_by_post(engineer: Staff, project: Project) -> None:
    deployment = DeploymentFactory(model__project=project)
    url = reverse("admin:deployments_deployment_stop", args=[deployment.pk])
    engineer.client.get(url)
    deployment.refresh_from_db()
    assert deployment.status == DeploymentStatus.ACTIVE
    assert "HX-Redirect" in engineer.client.post(url, SENT)
    deployment.refresh_from_db()
    assert deployment.status == DeploymentStatus.STOPPED


def test_a_viewer_stops_nothing(project: Project) -> None:
    viewer = staff_in(project, Role.VIEWER)
    deployment = DeploymentFactory(model__project=project)
    url = reverse("admin:deployments_deployment_stop", args=[deployment.pk])
    assert viewer.client.post(url, SENT).status_code == 403


def test_rolling_back_is_offered_only_where_something_served_before(
    engineer: Staff, project: Project
) -> None:
    live = RevisionFactory(deployment__model__project=project, status=RevisionStatus.LIVE)
    page = reverse("admin:deployments_deployment_change", args=[live.deployment.pk])
    url = reverse("admin:deployments_deployment_roll_back", args=[live.deployment.pk])
    assert url not in engineer.client.get(page).content.decode()
    RevisionFactory(deployment=live.deployment, status=RevisionStatus.STANDBY)
    assert url in engineer.client.get(page).content.decode()


def test_the_dialog_of_a_roll_back_names_both_versions(engineer: Staff, project: Project) -> None:
    live = RevisionFactory(deployment__model__project=project, status=RevisionStatus.LIVE)
    kept = RevisionFactory(deployment=live.deployment, status=RevisionStatus.STANDBY)
    url = reverse("admin:deployments_deployment_roll_back", args=[live.deployment.pk])
    said = engineer.client.get(url).content.decode()
    assert f"v{live.version.number} serves now" in said
    assert f"v{kept.version.number} serves again" in said
    assert "at once" in said


def test_a_roll_back_from_the_dialog_serves_the_version_before(
    engineer: Staff, project: Project
) -> None:
    live = RevisionFactory(
        deployment__model__project=project, status=RevisionStatus.LIVE, live_at=timezone.now()
    )
    kept = RevisionFactory(
        deployment=live.deployment, status=RevisionStatus.STANDBY, live_at=timezone.now()
    )
    url = reverse("admin:deployments_deployment_roll_back", args=[live.deployment.pk])
    engineer.client.post(url, SENT)
    kept.refresh_from_db()
    assert kept.status == RevisionStatus.LIVE


def test_a_page_of_a_deployment_refreshes_while_a_revision_starts(
    engineer: Staff, project: Project
) -> None:
    revision = RevisionFactory(deployment__model__project=project, status=RevisionStatus.STARTING)
    url = reverse("admin:deployments_deployment_change", args=[revision.deployment.pk])
    assert engineer.client.get(url).context["page"].refresh_s > 0


def test_a_revision_page_shows_why_it_failed(engineer: Staff, project: Project) -> None:
    revision = RevisionFactory(
        deployment__model__project=project, status=RevisionStatus.FAILED, error="Out of memory."
    )
    page = engineer.client.get(reverse("admin:deployments_revision_change", args=[revision.pk]))
    assert "Out of memory." in page.content.decode()


def test_the_page_shows_the_timeline_of_the_deployment_and_its_revisions(
    engineer: Staff, project: Project
) -> None:
    live = RevisionFactory(deployment__model__project=project, status=RevisionStatus.LIVE)
    EventFactory(
        tag="revision:live",
        subject=live.public_id,
        before={"status": "starting"},
        after={"status": "live", "digest": live.digest},
    )
    EventFactory(tag="deployment:configured", subject=live.deployment.public_id)
    EventFactory(tag="revision:live", subject="rev_of_another")
    url = reverse("admin:deployments_deployment_change", args=[live.deployment.pk])
    steps = panel_of(engineer, url, "Timeline").context["steps"]
    assert [step.what for step in steps] == [
        "Settings changed",
        f"Revision {live.number} (v{live.version.number}) went live",
    ]
    assert [(one.name, one.before, one.after) for one in steps[1].changes] == [
        ("status", "starting", "live"),
        ("digest", "", f"{live.digest[:12]}…"),
    ]


def test_a_viewer_sees_the_timeline_without_the_way_to_the_record(project: Project) -> None:
    viewer = staff_in(project, Role.VIEWER)
    place = DeploymentFactory(model__project=project)
    EventFactory(tag="deployment:created", subject=place.public_id)
    url = reverse("admin:deployments_deployment_change", args=[place.pk])
    (step,) = panel_of(viewer, url, "Timeline").context["steps"]
    assert step.href == ""


def test_the_figures_of_now_are_a_piece_of_their_own(engineer: Staff, project: Project) -> None:
    live = RevisionFactory(deployment__model__project=project, status=RevisionStatus.LIVE)
    url = reverse("admin:deployments_deployment_now", args=[live.deployment.pk])
    said = engineer.client.get(url).content.decode()
    assert said.lstrip().startswith('<div id="hk-now"')
    assert url in said


def test_figures_of_a_hidden_deployment_are_a_404(project: Project) -> None:
    outsider = staff_in(None, Role.VIEWER)
    place = DeploymentFactory(model__project=project)
    for name in ("now", "try"):
        url = reverse(f"admin:deployments_deployment_{name}", args=[place.pk])
        assert outsider.client.get(url).status_code == 404


@pytest.mark.parametrize(
    ("state", "status"),
    [("live", RevisionStatus.LIVE), ("starting", RevisionStatus.PENDING), ("failed", "failed")],
)
def test_the_board_is_filtered_by_state(
    engineer: Staff, project: Project, state: str, status: str
) -> None:
    wanted = RevisionFactory(deployment__model__project=project, status=status).deployment
    DeploymentFactory(model__project=project)
    DeploymentFactory(model__project=project, status=DeploymentStatus.STOPPED)
    url = reverse("admin:deployments_deployment_changelist")
    shown = engineer.client.get(url, {"state": state}).context["cl"].result_list
    assert [row.pk for row in shown] == [wanted.pk]


def test_the_board_is_filtered_by_project_and_environment(
    engineer: Staff, project: Project
) -> None:
    wanted = DeploymentFactory(model__project=project, environment="staging")
    DeploymentFactory(model__project=project)
    url = reverse("admin:deployments_deployment_changelist")
    asked = {"project": project.slug, "environment__exact": "staging"}
    shown = engineer.client.get(url, asked).context["cl"].result_list
    assert [row.pk for row in shown] == [wanted.pk]


def test_the_board_warns_of_a_runner_that_is_silent(engineer: Staff, project: Project) -> None:
    RevisionFactory(
        deployment__model__project=project,
        deployment__provider="nobody",
        status=RevisionStatus.LIVE,
    )
    said = engineer.client.get(reverse("admin:deployments_deployment_changelist"))
    assert "The runner has not been heard of" in said.content.decode()
