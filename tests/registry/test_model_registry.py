import pytest

import registry
from hokusai.accounts.choices import Role
from hokusai.core.errors import NotFound
from registry import HokusaiModelRegistry
from tests.factories import DatasetVersionFactory, ProjectFactory, UserFactory, member

pytestmark = pytest.mark.django_db
SOURCE = f"runs:/{'a' * 32}/model"


def face(role: Role = Role.ENGINEER) -> HokusaiModelRegistry:
    project = ProjectFactory()
    return HokusaiModelRegistry(project=project, user=member(project, role))


def test_a_baseline_is_the_first_version_without_a_parent() -> None:
    version = face().register_baseline("classifier", SOURCE, tags={"arm": "baseline"})
    assert (version.number, version.parent) == (1, None)
    assert version.tags.get().value == "baseline"


def test_an_improved_model_names_its_parent_and_its_data() -> None:
    of = face()
    baseline = of.register_baseline("classifier", SOURCE)
    data = DatasetVersionFactory(dataset__project=of.project, state="usable")
    improved = of.register_improved_model(
        baseline, SOURCE, contributions=[], training_data=[data.public_id]
    )
    assert (improved.number, improved.parent) == (2, baseline)
    assert list(improved.training_data.all()) == [data]


def test_lineage_leads_from_the_latest_version_back_to_its_parent() -> None:
    of = face()
    baseline = of.register_baseline("classifier", SOURCE)
    improved = of.register_improved_model(baseline, SOURCE, contributions=[])
    graph = of.get_model_lineage(baseline.model.model_id)
    found = {node.public_id for node in graph.nodes}
    assert {baseline.public_id, improved.public_id} <= found
    first = of.get_model_lineage(baseline.model.model_id, number=1)
    assert improved.public_id in {node.public_id for node in first.nodes}


def test_lineage_of_a_hidden_model_is_not_found() -> None:
    version = face().register_baseline("classifier", SOURCE)
    stranger = HokusaiModelRegistry(project=ProjectFactory(), user=UserFactory())
    with pytest.raises(NotFound):
        stranger.get_model_lineage(version.model.model_id)


def test_the_package_has_no_other_face() -> None:
    with pytest.raises(AttributeError, match="nothing_else"):
        _ = registry.nothing_else
