import pytest
from django.contrib.auth.models import AnonymousUser
from pytest_django import DjangoAssertNumQueries

from hokusai.accounts.choices import Visibility
from hokusai.accounts.models import Project, User
from registry.choices import EdgeKind, NodeKind
from registry.lineage import Graph, lineage_of
from registry.models import LineageEdge, LineageNode
from tests.factories import (
    LineageEdgeFactory,
    LineageNodeFactory,
    ProjectFactory,
    SuperuserFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


def node(name: str, project: Project | None) -> LineageNode:
    found: LineageNode = LineageNodeFactory(
        public_id=name, label=f"name of {name}", project=project
    )
    return found


def link(src: LineageNode, dst: LineageNode, **attributes: object) -> None:
    LineageEdgeFactory(src=src, dst=dst, attributes=attributes)


def ids(graph: Graph) -> list[str]:
    return [found.public_id for found in graph.nodes]


@pytest.fixture
def family(project: Project) -> dict[str, LineageNode]:
    """grandparent -> parent -> start -> child, and an aunt that came from the grandparent."""
    names = ("grandparent", "parent", "aunt", "start", "child")
    found = {name: node(name, project) for name in names}
    for src, dst in (
        ("grandparent", "parent"),
        ("grandparent", "aunt"),
        ("parent", "start"),
        ("start", "child"),
    ):
        link(found[src], found[dst])
    return found


@pytest.mark.usefixtures("family")
@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        ("both", ["start", "grandparent", "parent", "child"]),
        ("ancestors", ["start", "grandparent", "parent"]),
        ("descendants", ["start", "child"]),
    ],
)
def test_a_direction_chooses_what_is_followed(
    direction: str, expected: list[str], engineer: User
) -> None:
    graph = lineage_of(public_id="start", user=engineer, direction=direction)
    assert ids(graph) == expected
    assert not graph.truncated
    assert all(edge.src in expected and edge.dst in expected for edge in graph.edges)


def test_what_nobody_knows_has_no_lineage(engineer: User) -> None:
    assert lineage_of(public_id="absent", user=engineer) == Graph([], [], truncated=False)


@pytest.mark.usefixtures("family")
def test_edges_carry_what_is_shown_on_them(engineer: User) -> None:
    LineageEdge.objects.filter(dst__public_id="start").update(
        kind=EdgeKind.IMPROVED, attributes={"delta_ppm": 30_000}
    )
    graph = lineage_of(public_id="start", user=engineer, direction="ancestors")
    (edge,) = [edge for edge in graph.edges if edge.dst == "start"]
    assert (edge.src, edge.kind, edge.attributes) == ("parent", "improved", {"delta_ppm": 30_000})


def test_what_is_hidden_keeps_its_place_without_name_id_and_delta(
    project: Project, engineer: User
) -> None:
    start, secret, far = node("start", project), node("secret", ProjectFactory()), None
    far = node("far", project)
    link(secret, start, delta_ppm=30_000)
    link(far, secret, delta_ppm=20_000)
    graph = lineage_of(public_id="start", user=engineer)
    hidden = [found for found in graph.nodes if found.hidden]
    assert [(found.label, found.project_slug) for found in hidden] == [("hidden", None)]
    assert "secret" not in repr(graph)
    assert {edge.attributes.get("delta_ppm") for edge in graph.edges} == {None}
    assert {(edge.src, edge.dst) for edge in graph.edges} == {
        (hidden[0].public_id, "start"),
        ("far", hidden[0].public_id),
    }


@pytest.mark.parametrize(
    ("viewer", "sees"), [("member", True), ("outsider", False), ("nobody", False), ("root", True)]
)
def test_who_sees_a_private_projects_names(
    viewer: str, sees: bool, project: Project, engineer: User
) -> None:
    link(node("start", None), node("inside", project), delta_ppm=1)
    users = {
        "member": engineer,
        "outsider": UserFactory(),
        "nobody": AnonymousUser(),
        "root": SuperuserFactory(),
    }
    graph = lineage_of(public_id="start", user=users[viewer])
    assert ("inside" in ids(graph)) is sees
    assert (graph.edges[0].attributes == {"delta_ppm": 1}) is sees


def test_public_projects_and_global_things_are_seen_by_all() -> None:
    public = ProjectFactory(visibility=Visibility.PUBLIC)
    contributor = LineageNodeFactory(public_id="person", kind=NodeKind.CONTRIBUTOR, project=None)
    link(contributor, node("start", public))
    graph = lineage_of(public_id="start", user=AnonymousUser())
    assert ids(graph) == ["start", "person"]
    assert [found.project_slug for found in graph.nodes] == [public.slug, None]


def _generations(project: Project, count: int) -> list[LineageNode]:
    """Each version has the two before it as parents: paths multiply, versions do not."""
    nodes = LineageNode.objects.bulk_create(
        LineageNode(public_id=f"n{n}", kind=NodeKind.VERSION, label=f"n{n}", project=project)
        for n in range(count)
    )
    LineageEdge.objects.bulk_create(
        LineageEdge(src=nodes[n - back], dst=nodes[n], kind=EdgeKind.PARENT)
        for n in range(count)
        for back in (1, 2)
        if n >= back
    )
    return nodes


def test_a_thousand_versions_with_two_parents_come_in_one_query_without_duplicates(
    project: Project, engineer: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    _generations(project, 1000)
    with django_assert_num_queries(1):
        graph = lineage_of(public_id="n999", user=SuperuserFactory.build())
    assert len(graph.nodes) == len(set(ids(graph))) == 1000
    assert len(graph.edges) == len(set(map(repr, graph.edges))) == 1997
    assert not graph.truncated
    with django_assert_num_queries(2):
        assert lineage_of(public_id="n999", user=engineer) == graph


def test_a_graph_beyond_the_limit_says_so_and_keeps_what_was_asked_about(
    project: Project, engineer: User
) -> None:
    _generations(project, 12)
    graph = lineage_of(public_id="n11", user=engineer, limit=10)
    assert graph.truncated
    assert len(graph.nodes) == 10
    assert ids(graph)[0] == "n11"
    assert all(edge.src in ids(graph) and edge.dst in ids(graph) for edge in graph.edges)
    assert not lineage_of(public_id="n11", user=engineer, limit=12).truncated


def test_a_circle_ends(project: Project, engineer: User) -> None:
    first, second = node("first", project), node("second", project)
    link(first, second)
    link(second, first)
    graph = lineage_of(public_id="first", user=engineer)
    assert sorted(ids(graph)) == ["first", "second"]
    assert len(graph.edges) == 2
