import pytest

from registry.models import VersionMetric
from registry.scores import keep_scores
from tests.factories import ModelVersionFactory

pytestmark = pytest.mark.django_db


def test_numbers_are_kept_once_and_renewed() -> None:
    version = ModelVersionFactory(metrics={"accuracy": 0.9, "note": "text"})
    keep_scores(version)
    version.metrics["accuracy"] = 0.95
    keep_scores(version)
    assert list(VersionMetric.objects.values_list("key", "value")) == [("accuracy", 0.95)]
