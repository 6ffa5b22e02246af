import pytest
from django.db import transaction
from django.urls import reverse

from hokusai.accounts.models import Project
from hokusai.accounts.services import actor_of
from hokusai.core.choices import WorkStatus
from hokusai.core.events import record
from hokusai.core.models import Event
from tests.factories import DeliveryFactory, JobFactory
from tests.staff import Staff

pytestmark = pytest.mark.django_db


def job_action(action: str, pk: int) -> str:
    return reverse(f"admin:core_job_{action}", args=[pk])


def test_a_waiting_job_is_cancelled_by_post(engineer: Staff, project: Project) -> None:
    job = JobFactory(project_id=project.pk, kind="attestation")
    answer = engineer.client.post(job_action("cancel", job.pk), {"_form_submitted": "True"})
    job.refresh_from_db()
    assert job.status == WorkStatus.CANCELLED
    assert answer["HX-Redirect"] == reverse("admin:core_job_change", args=[job.pk])


def test_opening_the_dialog_changes_nothing(engineer: Staff, project: Project) -> None:
    job = JobFactory(project_id=project.pk)
    answer = engineer.client.get(job_action("cancel", job.pk))
    job.refresh_from_db()
    assert answer.status_code == 200
    assert job.status == WorkStatus.QUEUED


def test_a_reviewer_sees_jobs_and_may_not_stop_them(reviewer: Staff, project: Project) -> None:
    job = JobFactory(project_id=project.pk)
    assert reviewer.client.get(reverse("admin:core_job_change", args=[job.pk])).status_code == 200
    assert reviewer.client.post(job_action("cancel", job.pk)).status_code == 403
    job.refresh_from_db()
    assert job.status == WorkStatus.QUEUED


def test_a_viewer_sees_no_operations(viewer: Staff, project: Project) -> None:
    job = JobFactory(project_id=project.pk)
    assert viewer.client.get(reverse("admin:core_job_change", args=[job.pk])).status_code == 404


def test_retrying_a_job_that_succeeded_is_told_and_changes_nothing(
    engineer: Staff, project: Project
) -> None:
    job = JobFactory(project_id=project.pk, status=WorkStatus.SUCCEEDED)
    answer = engineer.client.post(
        job_action("retry", job.pk), {"_form_submitted": "True"}, follow=False
    )
    assert "HX-Redirect" in answer
    page = engineer.client.get(answer["HX-Redirect"])
    assert "cannot become" in page.content.decode()


def test_an_open_job_refreshes_its_page_and_an_ended_one_does_not(
    engineer: Staff, project: Project
) -> None:
    for status, refreshes in ((WorkStatus.RUNNING, True), (WorkStatus.FAILED, False)):
        job = JobFactory(project_id=project.pk, status=status, log="12:00:00 reading\n")
        page = engineer.client.get(reverse("admin:core_job_change", args=[job.pk]))
        assert ('hx-trigger="every' in page.content.decode()) is refreshes
        assert "12:00:00 reading" in page.content.decode()


def test_a_parked_delivery_is_tried_again(root: Staff) -> None:
    delivery = DeliveryFactory(status=WorkStatus.FAILED)
    url = reverse("admin:core_delivery_retry", args=[delivery.pk])
    root.client.post(url, {"_form_submitted": "True"})
    delivery.refresh_from_db()
    assert delivery.status == WorkStatus.QUEUED


def test_an_event_shows_what_changed(engineer: Staff, project: Project) -> None:
    with transaction.atomic():
        record(
            "stage:changed",
            subject="mdv_1",
            actor=actor_of(engineer.user),
            project_id=project.pk,
            before={"stage": "staging", "by": "x"},
            after={"stage": "production", "by": "x"},
        )
    event = Event.objects.get(tag="stage:changed")
    page = engineer.client.get(reverse("admin:core_event_change", args=[event.pk]))
    lines = page.context["page"].panels[0].context["lines"]
    assert lines == [("by", "x", "x", False), ("stage", "staging", "production", True)]


def test_a_filter_with_a_nul_is_a_bad_request(engineer: Staff, project: Project) -> None:
    answer = engineer.client.get(reverse("admin:core_job_changelist") + "?status=%00")
    assert answer.status_code == 400
