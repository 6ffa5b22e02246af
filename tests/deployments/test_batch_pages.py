import pytest
from django.urls import reverse

from deployments.batch_pages import names_in
from deployments.models import BatchPrediction
from hokusai.accounts.choices import Role
from tests import factories as make
from tests.staff import SENT, staff_in

pytestmark = pytest.mark.django_db


def test_a_batch_is_asked_for_from_a_versions_page() -> None:
    version = make.ModelVersionFactory()
    engineer = staff_in(version.project, Role.ENGINEER)
    table = make.DatasetVersionFactory(dataset__project=version.project)
    sealed = make.DatasetVersionFactory(dataset__project=version.project, access="stewards")
    url = reverse("admin:registry_modelversion_predict_batch", args=[version.pk])
    offered = engineer.client.get(url).content.decode()
    assert str(table) in offered
    assert str(sealed) not in offered
    engineer.client.post(url, {**SENT, "dataset_version": table.pk, "on_error": "fail"})
    assert BatchPrediction.objects.get().dataset_version == table
    page = engineer.client.get(reverse("admin:registry_modelversion_change", args=[version.pk]))
    assert "Batch predictions" in page.content.decode()


def test_names_are_parted_by_commas() -> None:
    assert names_in(" a, b c,,") == ["a", "b c"]
