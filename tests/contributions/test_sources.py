import pytest

from contributions.sources import ContributionSource
from hokusai.core.errors import InvalidInput
from registry.training import resolve_training_data
from tests.factories import ContributionFactory, ProjectFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("status", ["accepted", "used"])
def test_accepted_data_may_be_trained_on(status: str) -> None:
    contribution = ContributionFactory(status=status)
    [rows] = resolve_training_data([contribution.public_id], contribution.project)
    assert rows == contribution.dataset_version


@pytest.mark.parametrize("status", ["received", "refused", "withdrawn"])
def test_data_that_is_not_accepted_may_not(status: str) -> None:
    contribution = ContributionFactory(status=status)
    with pytest.raises(InvalidInput, match=status):
        ContributionSource().resolve(contribution.public_id, contribution.project)


def test_anothers_projects_contribution_is_as_absent_as_one_that_is_not() -> None:
    contribution = ContributionFactory(status="accepted")
    with pytest.raises(InvalidInput) as hidden:
        ContributionSource().resolve(contribution.public_id, ProjectFactory())
    with pytest.raises(InvalidInput) as absent:
        ContributionSource().resolve("ctr_0", contribution.project)
    assert str(hidden.value) == str(absent.value)


def test_a_contribution_named_twice_or_by_its_rows_is_one_table() -> None:
    contribution = ContributionFactory(status="accepted")
    ids = [contribution.public_id, contribution.public_id, contribution.dataset_version.public_id]
    assert len(resolve_training_data(ids, contribution.project)) == 1
