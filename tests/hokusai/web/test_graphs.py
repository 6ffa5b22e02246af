"""Lineage as the page is given it."""

from typing import Any

import pytest

from hokusai.web import markup
from hokusai.web.graphs import lineage_panel, node_link, stated
from registry.lineage import Edge, Graph, Node


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({"basis_points": 3_350}, "33.5 %"),
        ({"delta_ppm": 43_750}, "+4.38 pp"),
        ({"delta_ppm": -43_750, "metric": "log_loss"}, "-0.0437"),
        ({"revision": 3}, "revision 3"),
        ({"status": "refused"}, "refused"),
        ({"status": "accepted", "role": "candidate"}, "candidate, accepted"),
        ({}, ""),
    ],
)
def test_an_edge_says_what_it_states_in_its_unit(attributes: dict[str, Any], text: str) -> None:
    assert stated(attributes) == text


def test_an_edge_is_drawn_with_its_words_and_listed_with_them() -> None:
    nodes = [Node(name, "contribution", name, "p", hidden=False) for name in ("ctr_1", "imp_1")]
    edge = Edge("ctr_1", "imp_1", "credited", {"basis_points": 5_000})
    panel = lineage_panel(Graph(nodes=nodes, edges=[edge], truncated=False), "imp_1")
    assert panel.context["data"]["edges"] == [
        {"src": "ctr_1", "dst": "imp_1", "kind": "credited", "label": "50 %"}
    ]
    assert panel.context["rows"] == [("ctr_1", "credited", "imp_1", "50 %")]


def _version(number: int, *, hidden: bool = False) -> Node:
    return Node(f"mdv_{number}", "version", f"v{number}", "p", hidden=hidden)


def _improved(**owed: int) -> Graph:
    """v1 -> v2, measured."""
    nodes = [
        _version(1),
        _version(2),
        Node("cmp_1", "comparison", "c", "p", hidden=False),
        Node("imp_1", "improvement", "i", "p", hidden=False),
    ]
    edges = [
        Edge("mdv_1", "mdv_2", "parent", {}),
        Edge("mdv_1", "cmp_1", "compared", {"role": "baseline"}),
        Edge("mdv_2", "cmp_1", "compared", {"role": "candidate"}),
        Edge("cmp_1", "imp_1", "improved", {"delta_ppm": 12_500, "metric": "accuracy", **owed}),
    ]
    return Graph(nodes=nodes, edges=edges, truncated=False)


@pytest.mark.parametrize(
    ("owed", "label"),
    [
        ({}, "+1.25 pp"),
        ({"contributors": 1}, "+1.25 pp by 1 contributor"),
        ({"contributors": 2}, "+1.25 pp by 2 contributors"),
    ],
)
def test_the_edge_from_parent_to_child_says_what_was_measured_and_owed(
    owed: dict[str, int], label: str
) -> None:
    edges = lineage_panel(_improved(**owed), "mdv_1").context["data"]["edges"]
    assert edges[0]["label"] == label


def test_a_panel_leads_to_the_questions_that_fit_and_a_page_of_its_own_does_not() -> None:
    graph = _improved()
    links = dict(lineage_panel(graph, "mdv_1").context["links"])
    assert set(links) == {
        "Open the whole graph",
        "Everything downstream",
        "Where its gain came from",
    }
    assert lineage_panel(graph, "mdv_1", full=True).context["links"] == []
    assert lineage_panel(graph, "mdv_absent").context["links"] == []
    table = Node("dsv_1", "dataset", "d", "p", hidden=False)
    used = Graph([table, _version(1)], [Edge("dsv_1", "mdv_1", "trained_on", {})], truncated=False)
    assert "Which versions used it" in dict(lineage_panel(used, "dsv_1").context["links"])


def test_a_long_table_behind_is_cut_and_says_so() -> None:
    nodes = [_version(number) for number in range(300)]
    edges = [Edge(f"mdv_{n}", f"mdv_{n + 1}", "parent", {}) for n in range(299)]
    context = lineage_panel(Graph(nodes, edges, truncated=False), "mdv_1").context
    assert (len(context["rows"]), context["cut"]) == (200, 99)
    assert len(context["data"]["edges"]) == 299


def test_what_is_hidden_leads_nowhere() -> None:
    hidden = Node("hidden-1", "version", "hidden", None, hidden=True)
    assert node_link(hidden) == markup.badge("hidden", "quiet")
    assert node_link(None) == markup.NOTHING
    assert node_link(Node("run_1", "run", "run 1", "p", hidden=False)) == "run 1"
    assert "mdv_1" in node_link(_version(1))
