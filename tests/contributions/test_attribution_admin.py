import pytest
from django.urls import reverse

from contributions.models import Attribution, CoalitionBatch
from hokusai.accounts.choices import Role
from hokusai.core.models import Job
from hokusai.storage import stores
from hokusai.web.panels import Page
from tests.contributions.test_attribution_reports import done
from tests.factories import JobFactory
from tests.staff import SENT, Staff, staff_in

pytestmark = pytest.mark.django_db


def page(staff: Staff, attribution: Attribution) -> Page:
    url = reverse("admin:contributions_improvement_change", args=[attribution.credited.pk])
    answer = staff.client.get(url)
    assert answer.status_code == 200
    found: Page = answer.context["page"]
    return found


def staff_of(attribution: Attribution) -> Staff:
    return staff_in(attribution.project, Role.ENGINEER)


def test_values_are_drawn_with_their_intervals_and_a_table_behind_them() -> None:
    attribution = done()
    found = page(staff_of(attribution), attribution)
    panel = next(one for one in found.panels if one and "worth" in one.title)
    lines = panel.context["data"]["lines"]
    assert [(line["low"], line["value"], line["high"]) for line in lines] == [
        (0.1, 0.9, 1.7),
        (-0.09, 0.05, 0.19),
    ]
    assert [line["paid"] for line in lines] == [True, False]
    assert panel.context["data"]["unit"]
    assert len(panel.context["rows"]) == 2


def test_while_it_is_worked_out_the_page_says_how_far_and_refreshes() -> None:
    attribution = done(status="pending", players=[], values=[])
    for number, digest in enumerate(["", "1" * 64]):
        CoalitionBatch.objects.create(
            attribution=attribution, number=number, masks=[number], outcomes_digest=digest
        )
    found = page(staff_of(attribution), attribution)
    assert found.refresh_s > 0
    assert "1 of 2 batches" in found.notices[0].text
    panel = next(one for one in found.panels if one and "worth" in one.title)
    assert "once every coalition" in panel.context["empty"]


def test_a_failure_is_told_and_tried_again() -> None:
    attribution = done(status="failed", explanation="A fit failed.", players=[], values=[])
    job = JobFactory(kind="attribution", subject=attribution.public_id, status="failed")
    Attribution.objects.filter(pk=attribution.pk).update(job=job)
    staff = staff_of(attribution)
    assert "A fit failed." in page(staff, attribution).notices[0].text
    url = reverse("admin:contributions_improvement_try_again", args=[attribution.credited.pk])
    staff.client.post(url, SENT)
    attribution.refresh_from_db()
    assert attribution.status == "pending"


def test_another_method_is_asked_for_from_the_page() -> None:
    attribution = done()
    staff = staff_of(attribution)
    url = reverse("admin:contributions_improvement_ask_another", args=[attribution.credited.pk])
    staff.client.post(url, SENT | {"method": "knn-shapley/1"})
    assert attribution.alternatives.get().method == "knn-shapley/1"
    assert Job.objects.filter(kind="attribution").count() == 1
    found = page(staff, attribution)
    others = next(one for one in found.panels if one and "other methods" in one.title)
    assert len(others.context["rows"]) == 1


def test_the_report_is_a_file_for_those_who_see_who_gave() -> None:
    attribution = done(report_digest=stores["default"].put(b"{}"))
    url = reverse("admin:contributions_improvement_report", args=[attribution.credited.pk])
    answer = staff_of(attribution).client.get(url)
    assert answer.content == b"{}"
    assert f"{attribution.public_id}.json" in answer["Content-Disposition"]
    assert staff_of(attribution).client.post(url).status_code == 403


def test_an_empty_state_says_what_to_do() -> None:
    attribution = done(
        method="row-weights/1",
        values=[{"basis_points": 10_000}, {"basis_points": 0}],
    )
    found = page(staff_of(attribution), attribution)
    panel = next(one for one in found.panels if one and "worth" in one.title)
    assert "have the platform train" in panel.context["empty"]
