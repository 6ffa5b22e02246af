from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from deployments.models import BatchPrediction
from hokusai.accounts.choices import Role
from hokusai.accounts.models import Project
from tests import factories as make
from tests.staff import SENT, Staff, staff_in

pytestmark = pytest.mark.django_db
LIST = "admin:deployments_batchprediction_changelist"


@pytest.fixture
def project() -> Project:
    return make.ProjectFactory()


@pytest.fixture
def engineer(project: Project) -> Staff:
    return staff_in(project, Role.ENGINEER)


def page_of(staff: Staff, batch: BatchPrediction) -> str:
    url = reverse("admin:deployments_batchprediction_change", args=[batch.pk])
    return staff.client.get(url).content.decode()


def action(name: str, batch: BatchPrediction) -> str:
    return reverse(f"admin:deployments_batchprediction_{name}", args=[batch.pk])


def test_an_empty_list_says_what_to_do(engineer: Staff) -> None:
    assert "choose Batch prediction" in engineer.client.get(reverse(LIST)).content.decode()


@pytest.mark.parametrize("many", [1, 5])
def test_a_list_asks_the_same_number_of_questions(
    engineer: Staff, project: Project, many: int, django_assert_max_num_queries: Any
) -> None:
    for _ in range(many):
        make.BatchPredictionFactory(version__model__project=project)
    engineer.client.get(reverse(LIST))
    with django_assert_max_num_queries(26):
        engineer.client.get(reverse(LIST))


def test_a_page_shows_progress_and_parts(engineer: Staff, project: Project) -> None:
    batch = make.BatchPredictionFactory(
        version__model__project=project, status="running", row_count=2000, rows_done=1000
    )
    make.BatchChunkFactory(batch=batch, status="done", rows_done=1000)
    make.BatchChunkFactory(batch=batch, status="asked", rows_done=500)
    shown = page_of(engineer, batch)
    assert '<progress max="100" value="75">' in shown
    assert "1,000 to 1,999" in shown
    assert "hx-trigger" in shown


def test_a_failed_batch_says_why_and_how_to_go_on(engineer: Staff, project: Project) -> None:
    batch = make.BatchPredictionFactory(
        version__model__project=project, status="failed", error="Row 3 is wrong."
    )
    shown = page_of(engineer, batch)
    assert "Row 3 is wrong." in shown
    assert "Resume goes on with the same table" in shown


def test_cancel_and_resume_are_dialogs(engineer: Staff, project: Project) -> None:
    batch = make.BatchPredictionFactory(version__model__project=project)
    for name, status in (("cancel", "cancelled"), ("resume", "queued")):
        engineer.client.get(action(name, batch))
        assert "HX-Redirect" in engineer.client.post(action(name, batch), SENT)
        batch.refresh_from_db()
        assert batch.status == status


def test_a_viewer_neither_cancels_nor_fetches(project: Project) -> None:
    viewer = staff_in(project, Role.VIEWER)
    batch = make.BatchPredictionFactory(version__model__project=project)
    assert viewer.client.post(action("cancel", batch), SENT).status_code == 403
    assert viewer.client.get(action("result", batch)).status_code == 403


def test_the_outputs_are_fetched_from_the_page(engineer: Staff, project: Project) -> None:
    batch = make.BatchPredictionFactory(
        version__model__project=project,
        status="succeeded",
        row_count=2,
        output_digest="0" * 64,
        output_bytes=9,
    )
    assert action("result", batch) in page_of(engineer, batch)
    assert engineer.client.get(action("result", batch)).status_code == 307


def test_a_batch_on_a_file_is_added_in_the_list(engineer: Staff, project: Project) -> None:
    version = make.ModelVersionFactory(model__project=project)
    given = {
        "version": version.pk,
        "file": SimpleUploadedFile("rows.csv", b"x\n1\n"),
        "ignored_columns": "note, label",
        "on_error": "mark",
    }
    url = reverse("admin:deployments_batchprediction_add")
    assert engineer.client.get(url).status_code == 200
    answer = engineer.client.post(url, given)
    assert answer.status_code == 302, answer.content
    batch = BatchPrediction.objects.get()
    assert (batch.file_name, batch.on_error) == ("rows.csv", "mark")
    assert batch.ignored_columns == ["note", "label"]


def test_a_table_or_a_file_is_needed(engineer: Staff, project: Project) -> None:
    version = make.ModelVersionFactory(model__project=project)
    url = reverse("admin:deployments_batchprediction_add")
    answer = engineer.client.post(url, {"version": version.pk, "on_error": "fail"})
    assert "one of both" in answer.content.decode()
    assert not BatchPrediction.objects.exists()
