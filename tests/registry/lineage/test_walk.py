import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from hokusai.accounts.choices import Visibility
from hokusai.accounts.models import Project, User
from hokusai.core.errors import InvalidInput
from registry.choices import EdgeKind, NodeKind
from registry.lineage import (
    Graph,
    Walk,
    edges_page,
    lineage_of,
    nodes_page,
    place_of,
    viewer_of,
)
from registry.models import LineageEdge, LineageNode, ModelShare
from tests.factories import (
    DatasetVersionFactory,
    LineageEdgeFactory,
    LineageNodeFactory,
    ModelVersionFactory,
    ProjectFactory,
    SuperuserFactory,
    UserFactory,
    member,
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


def _generations(project: Project, count: int, *, tables: bool = False) -> list[LineageNode]:
    """Each version has the two before it as parents: paths multiply, versions do not.

    With `tables` each has two datasets of its own as well.
    """
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
    data = LineageNode.objects.bulk_create(
        LineageNode(public_id=f"d{n}", kind=NodeKind.DATASET, label=f"d{n}", project=project)
        for n in range(2 * count if tables else 0)
    )
    LineageEdge.objects.bulk_create(
        LineageEdge(src=table, dst=nodes[place // 2], kind=EdgeKind.TRAINED_ON)
        for place, table in enumerate(data)
    )
    return nodes


def test_a_thousand_versions_with_two_parents_and_two_tables_come_in_one_query_without_duplicates(
    project: Project, engineer: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    _generations(project, 1000, tables=True)
    with django_assert_num_queries(1):
        graph = lineage_of(public_id="n999", user=SuperuserFactory.build(), limit=5000)
    assert len(graph.nodes) == len(set(ids(graph))) == 3000
    assert len(graph.edges) == len(set(map(repr, graph.edges))) == 3997
    assert not graph.truncated
    # For a person, two more: their projects and what is shared with them.
    with django_assert_num_queries(3):
        assert lineage_of(public_id="n999", user=engineer, limit=5000) == graph


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


def test_kinds_choose_what_is_answered_not_what_is_followed(
    project: Project, engineer: User
) -> None:
    _generations(project, 6, tables=True)
    graph = lineage_of(public_id="n5", user=engineer, kinds=[NodeKind.DATASET])
    assert ids(graph)[0] == "n5"
    assert len(graph.nodes) == 13
    assert {(edge.src, edge.dst) for edge in graph.edges} == {("d10", "n5"), ("d11", "n5")}


# A chain of 20,000 that has nothing to do with what is asked about.
_OTHERS = """
WITH made AS (
    INSERT INTO registry_lineagenode (public_id, kind, label)
    SELECT 'other' || n, 'version', 'other' FROM generate_series(1, 20000) n RETURNING id
)
INSERT INTO registry_lineageedge (src_id, dst_id, kind, attributes)
SELECT lag(id) OVER (ORDER BY id), id, 'parent', '{}' FROM made ORDER BY id OFFSET 1
"""


def test_the_plan_of_a_lineage_uses_its_indexes(project: Project) -> None:
    _generations(project, 300, tables=True)
    with connection.cursor() as cursor:
        cursor.execute(_OTHERS)
        cursor.execute("ANALYZE registry_lineagenode, registry_lineageedge")
    with CaptureQueriesContext(connection) as captured:
        lineage_of(public_id="n299", user=SuperuserFactory.build(), limit=5000)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {captured.captured_queries[0]['sql']}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Seq Scan on registry_lineage" not in plan


@pytest.mark.parametrize("limit", [1, 2, 5, 100])
def test_pages_of_nodes_and_edges_together_are_the_graph(
    limit: int, project: Project, engineer: User
) -> None:
    _generations(project, 6, tables=True)
    whole = lineage_of(public_id="n5", user=engineer)
    walk = Walk("n5", viewer_of(engineer))
    nodes, edges, cursor = [], [], ""
    while True:
        page = nodes_page(walk, limit=limit, cursor=cursor)
        nodes += page.nodes
        if not (cursor := page.next_cursor):
            break
    while True:
        found = edges_page(walk, limit=limit, cursor=cursor)
        edges += found.edges
        if not (cursor := found.next_cursor):
            break
    assert nodes == whole.nodes
    assert edges == whole.edges


def test_pages_name_what_is_hidden_alike_and_say_nothing_of_it(
    project: Project, engineer: User
) -> None:
    start, secret = node("start", project), node("secret", ProjectFactory())
    link(secret, start, delta_ppm=30_000)
    walk = Walk("start", viewer_of(engineer))
    hidden = nodes_page(walk, limit=10).nodes[1]
    (edge,) = edges_page(walk, limit=10).edges
    assert (edge.src, edge.attributes) == (hidden.public_id, {})
    assert lineage_of(public_id="start", user=engineer).nodes[1] == hidden
    assert "secret" not in repr(hidden)


@pytest.mark.parametrize("cursor", ["0:x", "rubbish"])
def test_a_cursor_that_we_did_not_sign_is_refused(
    cursor: str, project: Project, engineer: User
) -> None:
    node("start", project)
    for page in (nodes_page, edges_page):
        with pytest.raises(InvalidInput):
            page(Walk("start", viewer_of(engineer)), limit=1, cursor=cursor)


def test_a_version_is_seen_by_those_with_whom_its_model_is_shared() -> None:
    version, reader = ModelVersionFactory(), ProjectFactory()
    ModelShare.objects.create(model=version.model, project=reader, shared_by=UserFactory())
    shared = LineageNodeFactory(
        public_id=version.public_id, project=version.project, model=version.model
    )
    link(node("rows", version.project), shared)
    graph = lineage_of(public_id=version.public_id, user=member(reader))
    assert [found.hidden for found in graph.nodes] == [False, True]
    assert lineage_of(public_id=version.public_id, user=UserFactory()).nodes[0].hidden
    key = lineage_of(public_id=version.public_id, user=UserFactory(), only_project=reader.pk)
    assert not key.nodes[0].hidden


def test_a_key_sees_its_own_project_alone(project: Project, engineer: User) -> None:
    other = ProjectFactory(visibility=Visibility.PUBLIC)
    link(node("elsewhere", other), node("start", project))
    graph = lineage_of(public_id="start", user=engineer, only_project=project.pk)
    assert [found.hidden for found in graph.nodes] == [False, True]
    graph = lineage_of(public_id="start", user=engineer, only_project=other.pk)
    assert graph.nodes[0].hidden


@pytest.mark.parametrize(
    ("kind", "sees"),
    [
        (NodeKind.VERSION, True),
        (NodeKind.ATTESTATION, True),
        (NodeKind.DATASET, False),
        (NodeKind.CONTRIBUTION, False),
        (NodeKind.DEPLOYMENT, False),
    ],
)
def test_of_a_public_project_outsiders_see_what_is_public(kind: NodeKind, sees: bool) -> None:
    public = ProjectFactory(visibility=Visibility.PUBLIC)
    LineageNodeFactory(public_id="thing", kind=kind, project=public)
    (found,) = lineage_of(public_id="thing", user=UserFactory()).nodes
    assert found.hidden is not sees


def test_what_nothing_led_to_yet_has_a_place_for_those_who_may_see_it() -> None:
    version, table = ModelVersionFactory(), DatasetVersionFactory()
    for row, label in ((version, str(version)), (table, str(table))):
        own = place_of(row.public_id, viewer_of(member(row.project)))
        assert own is not None
        assert own.label == label
        assert place_of(row.public_id, viewer_of(UserFactory())) is None
    assert place_of("mdv_absent", viewer_of(SuperuserFactory())) is None
    assert place_of("bmk_absent", viewer_of(SuperuserFactory())) is None
