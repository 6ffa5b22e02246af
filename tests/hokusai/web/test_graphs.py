"""Lineage as the page is given it."""

from typing import Any

import pytest

from hokusai.web.graphs import lineage_panel, stated
from registry.lineage import Edge, Graph, Node


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({"basis_points": 3_350}, "33.5 %"),
        ({"delta_ppm": 43_750}, "+4.38 pp"),
        ({"delta_ppm": -43_750, "metric": "log_loss"}, "-0.0437"),
        ({"revision": 3}, "revision 3"),
        ({"status": "refused"}, "refused"),
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
