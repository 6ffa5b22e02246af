import pytest

from contributions.content import CreditContent
from contributions.models import CoalitionBatch
from hokusai.core.providers import load_hooks
from tests.factories import AttributionFactory

pytestmark = pytest.mark.django_db


def test_outcomes_of_coalitions_and_reports_are_kept_from_the_sweep() -> None:
    attribution = AttributionFactory(report_digest="a" * 64)
    AttributionFactory()
    for number, digest in enumerate(["b" * 64, ""]):
        CoalitionBatch.objects.create(
            attribution=attribution, number=number, masks=[number], outcomes_digest=digest
        )
    assert set(CreditContent().digests()) == {("blob", "a" * 64), ("blob", "b" * 64)}


def test_the_sweep_asks_for_them() -> None:
    assert any(isinstance(hook, CreditContent) for hook in load_hooks("CONTENT_REFERENCES"))
