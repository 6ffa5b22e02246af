import pytest

from hokusai.accounts.models import Project
from hokusai.core.errors import InvalidInput
from registry.choices import Access, DatasetState
from registry.training import resolve_training_data
from tests.factories import ContributionFactory, DatasetVersionFactory

pytestmark = pytest.mark.django_db


def test_ids_become_dataset_versions_once_each(project: Project) -> None:
    given = ContributionFactory(model__project=project, status="used")
    own = DatasetVersionFactory(dataset__project=project)
    ids = [own.public_id, given.public_id, own.public_id, given.dataset_version.public_id]
    found = resolve_training_data(ids, project)
    assert sorted(row.pk for row in found) == sorted([own.pk, given.dataset_version.pk])


def test_no_data_is_no_data(project: Project) -> None:
    assert resolve_training_data([], project) == []


@pytest.mark.parametrize("public_id", ["dsv_unknown", "mdv_1", "", "ctr_unknown", "rows"])
def test_an_id_that_names_no_training_data_is_refused(public_id: str, project: Project) -> None:
    with pytest.raises(InvalidInput) as refusal:
        resolve_training_data([public_id], project)
    assert refusal.value.context == {"id": public_id}


def test_data_of_another_project_is_refused_as_if_it_were_absent(project: Project) -> None:
    answers = []
    for public_id in (DatasetVersionFactory().public_id, "dsv_unknown"):
        with pytest.raises(InvalidInput) as refusal:
            resolve_training_data([public_id], project)
        answers.append(str(refusal.value))
    assert answers[0] == answers[1]


def test_rows_of_a_benchmark_are_refused(project: Project) -> None:
    sealed = DatasetVersionFactory(dataset__project=project, access=Access.STEWARDS)
    with pytest.raises(InvalidInput, match="benchmark"):
        resolve_training_data([sealed.public_id], project)


@pytest.mark.parametrize("state", [DatasetState.RECEIVED, DatasetState.REFUSED])
def test_data_that_is_not_usable_is_refused(state: str, project: Project) -> None:
    version = DatasetVersionFactory(dataset__project=project, state=state)
    with pytest.raises(InvalidInput, match="not usable"):
        resolve_training_data([version.public_id], project)


@pytest.mark.parametrize("status", ["received", "refused", "withdrawn"])
def test_a_contribution_that_was_not_accepted_is_refused(status: str, project: Project) -> None:
    given = ContributionFactory(model__project=project, status=status)
    with pytest.raises(InvalidInput):
        resolve_training_data([given.public_id], project)
