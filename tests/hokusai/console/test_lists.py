"""Lists of the console: each costs a bounded number of queries, however it is opened."""

from typing import Any

import pytest
from django.contrib import admin
from django.urls import reverse

from hokusai.web.admin import ScopedAdmin
from tests import factories as make
from tests.staff import logged_in

pytestmark = pytest.mark.django_db
# The sidebar's counts, the session, the page and what its rows show.
BUDGET = 32
ROWS = 4
FACTORIES = {
    "registry.model": make.ModelFactory,
    "registry.modelversion": make.ModelVersionFactory,
    "registry.promotion": make.PromotionFactory,
    "registry.dataset": make.DatasetFactory,
    "registry.datasetversion": make.DatasetVersionFactory,
    "experiments.benchmark": make.BenchmarkFactory,
    "experiments.comparison": make.ComparisonFactory,
    "experiments.training": make.TrainingFactory,
    "contributions.contribution": make.ContributionFactory,
    "contributions.improvement": make.ImprovementFactory,
    "deployments.deployment": make.DeploymentFactory,
    "deployments.predictionlog": make.PredictionFactory,
    "deployments.predictionreceipt": make.ReceiptFactory,
    "transparency.logrecord": make.LogRecordFactory,
    "core.event": make.EventFactory,
    "core.job": make.JobFactory,
}
LISTS = sorted(
    model._meta.label_lower
    for model, page in admin.site._registry.items()
    if isinstance(page, ScopedAdmin)
)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_keeps_to_its_budget(name: str, django_assert_max_num_queries: Any) -> None:
    if name in FACTORIES:
        FACTORIES[name].create_batch(ROWS)
    client = logged_in(make.SuperuserFactory())
    url = reverse(f"admin:{name.replace('.', '_')}_changelist")
    client.get(url)
    with django_assert_max_num_queries(BUDGET):
        answer = client.get(url)
    assert answer.status_code == 200
