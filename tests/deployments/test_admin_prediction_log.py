from typing import Any

import pytest
from django.urls import reverse

from deployments.models import Revision
from hokusai.accounts.choices import Role
from tests.factories import PredictionFactory, RevisionFactory
from tests.staff import staff_in

pytestmark = pytest.mark.django_db
LIST = reverse("admin:deployments_predictionlog_changelist")


@pytest.fixture
def revision() -> Revision:
    return RevisionFactory()


def shown(revision: Revision, **filters: Any) -> set[str]:
    client = staff_in(revision.project, Role.REVIEWER).client
    answer = client.get(LIST, filters)
    assert answer.status_code == 200
    return {row.request_id for row in answer.context["cl"].result_list}


def test_the_list_is_narrowed_by_deployment_and_by_end(revision: Revision) -> None:
    other = RevisionFactory(deployment__model=revision.deployment.model, deployment__slug="other")
    PredictionFactory(of=revision, request_id="good")
    PredictionFactory(of=revision, request_id="refused", status=422)
    PredictionFactory(of=other, request_id="failed", status=502)
    assert shown(revision) == {"good", "refused", "failed"}
    assert shown(revision, deployment=other.deployment.public_id) == {"failed"}
    assert shown(revision, end="refused") == {"refused"}
    assert shown(revision, end="answered") == {"good"}
    assert shown(revision, q="good") == {"good"}


def test_a_page_shows_what_was_asked_and_answered_and_what_was_taken_out(
    revision: Revision,
) -> None:
    row = PredictionFactory(
        of=revision, input={"rows": [{"name": "[redacted]"}]}, redacted=["name"], output=None
    )
    client = staff_in(revision.project, Role.ENGINEER).client
    page = client.get(reverse("admin:deployments_predictionlog_change", args=[row.pk]))
    text = page.content.decode()
    assert "Of these columns no value was kept: name." in text
    assert "[redacted]" in text
    assert "Not kept (" in text


@pytest.mark.parametrize("role", [Role.VIEWER, Role.CONTRIBUTOR])
def test_members_whose_role_does_not_open_the_log_see_none_of_it(
    role: Role, revision: Revision
) -> None:
    row = PredictionFactory(of=revision)
    client = staff_in(revision.project, role).client
    assert list(client.get(LIST).context["cl"].result_list) == []
    assert (
        client.get(reverse("admin:deployments_predictionlog_change", args=[row.pk])).status_code
        == 404
    )


def test_a_key_that_is_none_is_absent(revision: Revision) -> None:
    client = staff_in(revision.project, Role.OWNER).client
    for key in ("1", "9" * 18, "9" * 30):
        page = client.get(reverse("admin:deployments_predictionlog_change", args=[key]))
        assert page.status_code == 404
