import pytest

from experiments.content import OutcomeContent
from tests.factories import EvaluationFactory

pytestmark = pytest.mark.django_db


def test_evaluations_keep_their_outcomes() -> None:
    evaluation = EvaluationFactory()
    assert list(OutcomeContent().digests()) == [("blob", evaluation.outcomes_digest)]
