from typing import Any

import pytest
from django.urls import reverse

from hokusai.accounts.choices import Role
from hokusai.core import jobs
from hokusai.core.models import Job
from hokusai.transparency import services
from hokusai.transparency.models import LogRecord, Trouble
from tests.factories import ProjectFactory, SuperuserFactory
from tests.hokusai.transparency.conftest import write
from tests.staff import Staff, logged_in, staff_in

pytestmark = pytest.mark.django_db
LOG = "admin:transparency_log"
RECORD = "admin:transparency_logrecord_change"


@pytest.fixture
def engineer(rung: list[str]) -> Staff:
    return staff_in(ProjectFactory(), Role.ENGINEER)


def shown(staff: Staff, name: str, *args: Any) -> str:
    answer = staff.client.get(reverse(name, args=args))
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_an_empty_log_says_what_fills_it(engineer: Staff) -> None:
    page = shown(engineer, LOG)
    assert "The log is empty" in page
    assert "Nobody cosigns" in page
    assert "no checkpoint" in page
    assert "was not verified from here yet" in page


@pytest.mark.usefixtures("filled")
def test_a_log_without_a_key_says_how_to_get_one(engineer: Staff) -> None:
    assert "LOG_KEY_FILE" in shown(engineer, LOG)


@pytest.mark.usefixtures("filled", "log_secret")
def test_the_page_shows_the_log_against_its_policy(
    engineer: Staff, twin: Any, settings: Any, django_assert_max_num_queries: Any
) -> None:
    witness = twin(1)
    settings.WITNESS_THRESHOLD = 1
    services.sign_checkpoint()
    page = shown(engineer, LOG)
    assert "has 0 of 1 cosignatures" in page
    services.publish_checkpoint()
    Trouble.objects.create(source="publishing", message="no space left")
    page = shown(engineer, LOG)
    assert "witnessed" in page
    assert witness.key.name in page
    assert "no space left" in page
    with django_assert_max_num_queries(40):
        shown(engineer, LOG)


@pytest.mark.usefixtures("filled")
def test_verifying_runs_as_a_job_and_its_result_is_shown(engineer: Staff) -> None:
    answer = engineer.client.post(reverse(LOG))
    assert answer.status_code == 302
    assert "hk-progress" in shown(engineer, LOG)
    again = engineer.client.post(reverse(LOG), follow=True)
    assert "already under way" in again.content.decode()
    jobs.run(Job.objects.get(kind="log_audit").pk)
    page = shown(engineer, LOG)
    assert "holds" in page
    assert "statements" in page


def test_whoever_only_looks_may_not_have_the_log_recomputed(rung: list[str]) -> None:
    viewer = staff_in(ProjectFactory(), Role.VIEWER)
    assert "<button" not in shown(viewer, LOG).split("Verification")[1].split("Witnesses")[0]
    assert viewer.client.post(reverse(LOG)).status_code == 403
    assert not Job.objects.exists()


@pytest.mark.usefixtures("log_secret")
def test_a_records_page_has_its_proof_once_a_checkpoint_covers_it(
    engineer: Staff, filled: list[LogRecord]
) -> None:
    proof = reverse("admin:transparency_logrecord_proof", args=[filled[3].pk])
    assert "next checkpoint will cover it" in shown(engineer, RECORD, filled[3].pk)
    assert engineer.client.get(proof).status_code == 404
    services.sign_checkpoint()
    page = shown(engineer, RECORD, filled[3].pk)
    assert services.inclusion(3).root.hex() in page
    evidence = engineer.client.get(proof).json()
    assert (evidence["index"], evidence["size"]) == (3, 7)
    assert evidence["checkpoint"].startswith("local/development/log\n7\n")


def test_a_waiting_record_says_so(engineer: Staff) -> None:
    assert "waiting" in shown(engineer, RECORD, write(1).pk)


def test_statements_of_projects_are_shown_to_administrators_alone(engineer: Staff) -> None:
    hidden, public = write(41), write(42, kind="key")
    assert "41" not in shown(engineer, RECORD, hidden.pk).split("Statement")[1][:400]
    assert "&quot;n&quot;: 42" in shown(engineer, RECORD, public.pk)
    root = Staff(SuperuserFactory(), logged_in(SuperuserFactory()))
    assert "&quot;n&quot;: 41" in shown(root, RECORD, hidden.pk)


def test_records_are_listed_by_kind(engineer: Staff) -> None:
    write(1), write(2, kind="key")
    url = reverse("admin:transparency_logrecord_changelist")
    page = engineer.client.get(url, {"kind__exact": "key"}).content.decode()
    assert "cmp_2" in page
    assert "cmp_1" not in page
