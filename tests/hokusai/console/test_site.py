import pytest
from django.contrib import admin
from django.test import RequestFactory
from django.urls import reverse

from hokusai.accounts.models import Project
from hokusai.console.navigation import navigation
from hokusai.console.site import ConsoleSite
from tests.factories import AttestationFactory, ModelVersionFactory, PromotionFactory, UserFactory
from tests.staff import Staff, logged_in

pytestmark = pytest.mark.django_db


def test_the_console_is_the_site_that_serves() -> None:
    assert isinstance(admin.site, ConsoleSite)


def test_a_public_id_leads_to_its_page(engineer: Staff, project: Project) -> None:
    version = ModelVersionFactory(model__project=project)
    answer = engineer.client.get(reverse("admin:find", args=[version.public_id]))
    assert answer["Location"] == reverse("admin:registry_modelversion_change", args=[version.pk])


def test_an_attestation_is_found_by_its_point_in_the_lineage(root: Staff) -> None:
    attestation = AttestationFactory()
    answer = root.client.get(reverse("admin:find", args=[f"att_{attestation.statement_id}"]))
    assert answer.status_code == 302


@pytest.mark.parametrize("public_id", ["mdv_0", "run_1", "nonsense"])
def test_an_id_without_a_page_is_not_found(root: Staff, public_id: str) -> None:
    assert root.client.get(reverse("admin:find", args=[public_id])).status_code == 404


def test_an_id_of_another_project_is_as_if_absent(engineer: Staff) -> None:
    hidden = ModelVersionFactory()
    answer = engineer.client.get(reverse("admin:find", args=[hidden.public_id]))
    assert answer.status_code == 404


def test_staff_start_at_the_console_and_members_at_their_contributions(root: Staff) -> None:
    assert root.client.get("/")["Location"] == reverse("admin:index")
    member = logged_in(UserFactory())
    assert member.get("/")["Location"] == reverse("contribute")


def test_the_sidebar_counts_promotions_only_while_some_wait(
    engineer: Staff, project: Project
) -> None:
    def badges() -> list[str]:
        request = RequestFactory().get("/")
        request.user = engineer.user
        items = [item for group in navigation(request) for item in group["items"]]
        return [item["badge"] for item in items if "badge" in item]

    assert badges() == []
    PromotionFactory(version__model__project=project)
    assert badges() == ["1"]
