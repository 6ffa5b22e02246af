"""Every list and every page of the console, over every entity."""

import html
from typing import Any

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contributions.models import (
    Attestation,
    Contribution,
    Contributor,
    ImpactTotal,
    Improvement,
    SigningPolicy,
)
from deployments.models import (
    BatchPrediction,
    Deployment,
    PredictionLog,
    PredictionReceipt,
    Revision,
)
from experiments.models import Benchmark, Comparison, Experiment, Run, Training
from hokusai.accounts.models import ApiKey, Invitation, Membership, Project
from hokusai.core.models import Delivery, Event, Job
from hokusai.notify.models import Message, Webhook, WebhookDelivery
from hokusai.signers.models import SigningKey
from hokusai.transparency.models import LogRecord
from hokusai.web.admin import ScopedAdmin
from registry.models import (
    Dataset,
    DatasetVersion,
    Model,
    ModelVersion,
    Promotion,
    PromotionPolicy,
    SyncConflict,
    SyncPass,
    TrackedExperiment,
    TrackedVersion,
    TrackingImport,
)
from tests import factories
from tests.staff import Staff, logged_in

pytestmark = pytest.mark.django_db

MAKERS: dict[type, Any] = {
    ApiKey: factories.ApiKeyFactory,
    Attestation: factories.AttestationFactory,
    BatchPrediction: factories.BatchPredictionFactory,
    Benchmark: factories.BenchmarkFactory,
    Comparison: factories.ComparisonFactory,
    Contribution: factories.ContributionFactory,
    Contributor: factories.WalletFactory,
    Dataset: factories.DatasetFactory,
    DatasetVersion: factories.DatasetVersionFactory,
    Delivery: factories.DeliveryFactory,
    Deployment: factories.DeploymentFactory,
    Event: factories.EventFactory,
    Experiment: factories.ExperimentFactory,
    ImpactTotal: factories.ImpactTotalFactory,
    Improvement: factories.ImprovementFactory,
    Invitation: factories.InvitationFactory,
    Job: factories.JobFactory,
    LogRecord: factories.LogRecordFactory,
    Membership: factories.MembershipFactory,
    Message: factories.MessageFactory,
    Model: factories.ModelFactory,
    ModelVersion: factories.ModelVersionFactory,
    PredictionLog: factories.PredictionFactory,
    PredictionReceipt: factories.ReceiptFactory,
    Project: factories.ProjectFactory,
    Promotion: factories.PromotionFactory,
    PromotionPolicy: factories.PromotionPolicyFactory,
    Revision: factories.RevisionFactory,
    Run: factories.RunFactory,
    SigningKey: factories.SigningKeyFactory,
    SigningPolicy: factories.SigningPolicyFactory,
    SyncConflict: factories.SyncConflictFactory,
    SyncPass: factories.SyncPassFactory,
    TrackedExperiment: factories.TrackedExperimentFactory,
    TrackedVersion: factories.TrackedVersionFactory,
    TrackingImport: factories.TrackingImportFactory,
    Training: factories.TrainingFactory,
    Webhook: factories.WebhookFactory,
    WebhookDelivery: factories.WebhookDeliveryFactory,
}
ENTITIES = sorted(MAKERS, key=lambda model: model.__name__)
# Of a record everybody sees its leaf; its statement only whoever may see what it tells of.
PUBLIC = {LogRecord, SigningKey}


def list_url(model: type) -> str:
    opts = model._meta
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")


def page_url(obj: Any) -> str:
    return reverse(f"admin:{obj._meta.app_label}_{obj._meta.model_name}_change", args=[obj.pk])


def queries_of(staff: Staff, url: str) -> int:
    cache.clear()
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert staff.client.get(url).status_code == 200
    return len(captured)


def test_every_entity_of_the_console_is_tried_here() -> None:
    registered = {
        model for model, page in admin.site._registry.items() if isinstance(page, ScopedAdmin)
    }
    assert registered == set(MAKERS)


@pytest.mark.parametrize("model", ENTITIES)
def test_a_list_asks_as_many_queries_for_five_rows_as_for_one(root: Staff, model: type) -> None:
    MAKERS[model]()
    one = queries_of(root, list_url(model))
    for _ in range(4):
        MAKERS[model]()
    assert queries_of(root, list_url(model)) == one


@pytest.mark.parametrize("model", ENTITIES)
def test_a_page_opens_and_names_its_object(root: Staff, model: type) -> None:
    MAKERS[model]()
    obj = model.objects.first()
    answer = root.client.get(page_url(obj))
    assert answer.status_code == 200
    assert answer.context["page"].title in answer.content.decode().replace("&#x27;", "'")


@pytest.mark.parametrize("model", ENTITIES)
def test_a_search_is_answered(root: Staff, model: type) -> None:
    MAKERS[model]()
    assert root.client.get(list_url(model), {"q": "nothing-is-called-so"}).status_code == 200


@pytest.mark.parametrize("model", [model for model in ENTITIES if model not in PUBLIC])
def test_staff_see_nothing_of_projects_they_do_not_belong_to(outsider: Staff, model: type) -> None:
    MAKERS[model]()
    obj = model.objects.first()
    listed = outsider.client.get(list_url(model))
    assert listed.status_code == 200
    assert list(listed.context["cl"].result_list) == []
    assert outsider.client.get(page_url(obj)).status_code == 404


@pytest.mark.parametrize("model", ENTITIES)
def test_no_page_is_changed_or_deleted_by_a_form(root: Staff, model: type) -> None:
    MAKERS[model]()
    obj = model.objects.first()
    assert root.client.post(page_url(obj), {"name": "other"}).status_code == 403
    opts = model._meta
    delete = reverse(f"admin:{opts.app_label}_{opts.model_name}_delete", args=[obj.pk])
    assert root.client.post(delete, {"post": "yes"}).status_code == 403
    assert model.objects.filter(pk=obj.pk).exists()


@pytest.mark.parametrize("model", ENTITIES)
def test_an_empty_list_says_what_to_do_next(root: Staff, model: type) -> None:
    page = admin.site._registry[model]
    assert page.empty_hint or page.add_form is not None
    answer = root.client.get(list_url(model))
    assert answer.status_code == 200
    shown = answer.content.decode()
    assert "hk-empty-list" not in shown or page.empty_hint in html.unescape(shown)


def test_people_who_are_not_staff_are_sent_to_the_login() -> None:
    member = logged_in(factories.UserFactory())
    for client in (member, Client()):
        answer = client.get(reverse("admin:index"))
        assert answer.status_code == 302
        assert answer["Location"].startswith(reverse("admin:login"))
