import pytest

from hokusai.accounts.models import Project
from registry.choices import EdgeKind, NodeKind
from registry.models import LineageEdge, LineageNode
from registry.services import NodeRef, link_lineage
from registry.services.nodes import dataset_node, run_node, version_node
from tests.factories import DatasetVersionFactory, ModelVersionFactory
from tests.racing import race

pytestmark = pytest.mark.django_db


def ref(name: str, project: Project | None = None, label: str = "") -> NodeRef:
    return NodeRef(name, NodeKind.VERSION, label or name, project)


def test_stating_an_edge_twice_is_the_same_as_once_with_the_later_attributes() -> None:
    for delta in (1, 2):
        link_lineage(
            src=ref("a"), dst=ref("b"), kind=EdgeKind.IMPROVED, attributes={"delta": delta}
        )
    assert LineageEdge.objects.get().attributes == {"delta": 2}
    assert LineageNode.objects.count() == 2


def test_two_things_may_be_related_in_two_ways() -> None:
    link_lineage(src=ref("a"), dst=ref("b"), kind=EdgeKind.PARENT)
    link_lineage(src=ref("a"), dst=ref("b"), kind=EdgeKind.COMPARED)
    assert LineageEdge.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_one_edge_stated_by_many_at_once_is_one_edge() -> None:
    made = race(*[lambda: link_lineage(src=ref("a"), dst=ref("b"), kind=EdgeKind.PARENT)] * 4)
    assert {type(edge) for edge in made} == {LineageEdge}
    assert (LineageEdge.objects.count(), LineageNode.objects.count()) == (1, 2)


def test_a_long_label_is_cut() -> None:
    edge = link_lineage(src=ref("a", label="l" * 300), dst=ref("b"), kind=EdgeKind.PARENT)
    assert len(edge.src.label) == 200


def test_versions_datasets_and_runs_stand_in_their_project() -> None:
    version, data = ModelVersionFactory(), DatasetVersionFactory()
    assert version_node(version) == NodeRef(
        version.public_id, NodeKind.VERSION, str(version), version.project, version.model_id
    )
    assert dataset_node(data).project == data.dataset.project
    assert run_node(version).public_id == f"run_{version.run_id}"
