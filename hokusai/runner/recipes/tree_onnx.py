"""Boosted trees as an ONNX graph: trees in float64, then the link, then the class.

`TreeEnsembleRegressor` sums raw scores; a sigmoid or softmax makes probabilities of them; an
identity `LinearClassifier` carries the classes and takes the most probable.
https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsembleRegressor.html
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from onnx import TensorProto, helper, numpy_helper

OPSETS: Final = (("", 17), ("ai.onnx.ml", 3))
IR_VERSION: Final = 8
BINARY: Final = 2


class _Ensemble:
    """The flat lists that the operator wants, one entry per node."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.leaves: list[tuple[int, int, int, float]] = []

    def add_tree(self, tree: int, root: Mapping[str, Any], target: int) -> None:
        """Append one tree that adds to `target`; depth is no limit."""
        first = len(self.nodes)
        self.nodes.append({"tree": tree, "id": 0})
        waiting = [(first, root)]
        size = 1
        while waiting:
            place, node = waiting.pop()
            if "leaf_value" in node and "split_index" not in node:
                self._leaf(place, target, float(node["leaf_value"]))
                continue
            self._split(place, node, size)
            for child in (node["left_child"], node["right_child"]):
                self.nodes.append({"tree": tree, "id": size})
                waiting.append((len(self.nodes) - 1, child))
                size += 1

    def _leaf(self, place: int, target: int, value: float) -> None:
        node = self.nodes[place]
        node |= {"mode": "LEAF", "feature": 0, "value": 0.0, "true": 0, "false": 0}
        self.leaves.append((node["tree"], node["id"], target, value))

    def _split(self, place: int, node: Mapping[str, Any], size: int) -> None:
        self.nodes[place] |= {
            "mode": "BRANCH_LEQ",
            "feature": int(node["split_feature"]),
            "value": float(node["threshold"]),
            "true": size,
            "false": size + 1,
        }


def convert(dumped: Mapping[str, Any], features: int, classes: Sequence[Any]) -> bytes:
    """`Booster.dump_model()` as a serialised graph; `classes` empty for a regression."""
    targets = int(dumped["num_tree_per_iteration"])
    ensemble = _Ensemble()
    for number, info in enumerate(dumped["tree_info"]):
        ensemble.add_tree(number, info["tree_structure"], number % targets)
    nodes, outputs = [_trees(ensemble, targets)], [_output("raw", TensorProto.FLOAT, 1)]
    constants: list[Any] = []
    if classes:
        links, constants = _link(len(classes))
        nodes += [*links, _classifier(classes)]
        kind = TensorProto.STRING if isinstance(classes[0], str) else TensorProto.INT64
        outputs = [
            helper.make_tensor_value_info("label", kind, [None]),
            _output("scores", TensorProto.FLOAT, len(classes)),
        ]
    inputs = [helper.make_tensor_value_info("rows", TensorProto.DOUBLE, [None, features])]
    graph = helper.make_graph(nodes, "boosted_trees", inputs, outputs, constants)
    opsets = [helper.make_opsetid(domain, number) for domain, number in OPSETS]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    raw: bytes = model.SerializeToString(deterministic=True)
    return raw


def _output(name: str, kind: int, width: int) -> Any:
    return helper.make_tensor_value_info(name, kind, [None, width])


def _trees(ensemble: _Ensemble, targets: int) -> Any:
    def of_nodes(key: str) -> list[Any]:
        return [node[key] for node in ensemble.nodes]

    trees, ids, of_target, weights = zip(*ensemble.leaves, strict=True)
    return helper.make_node(
        "TreeEnsembleRegressor",
        ["rows"],
        ["raw"],
        domain="ai.onnx.ml",
        n_targets=targets,
        nodes_treeids=of_nodes("tree"),
        nodes_nodeids=of_nodes("id"),
        nodes_modes=of_nodes("mode"),
        nodes_featureids=of_nodes("feature"),
        nodes_values_as_tensor=_doubles(of_nodes("value"), "nodes_values"),
        nodes_truenodeids=of_nodes("true"),
        nodes_falsenodeids=of_nodes("false"),
        target_treeids=list(trees),
        target_nodeids=list(ids),
        target_ids=list(of_target),
        target_weights_as_tensor=_doubles(weights, "target_weights"),
    )


def _doubles(values: Sequence[float], name: str) -> Any:
    return numpy_helper.from_array(np.asarray(values, dtype=np.float64), name)


def _link(classes: int) -> tuple[list[Any], list[Any]]:
    """From raw scores to `probabilities`, and the constants that this needs."""
    if classes > BINARY:
        return [helper.make_node("Softmax", ["raw"], ["probabilities"], axis=1)], []
    one = numpy_helper.from_array(np.ones((1, 1), dtype=np.float32), "one")
    return [
        helper.make_node("Sigmoid", ["raw"], ["second"]),
        helper.make_node("Sub", ["one", "second"], ["first"]),
        helper.make_node("Concat", ["first", "second"], ["probabilities"], axis=1),
    ], [one]


def _classifier(classes: Sequence[Any]) -> Any:
    size = len(classes)
    labels: dict[str, Any] = (
        {"classlabels_strings": list(classes)}
        if isinstance(classes[0], str)
        else {"classlabels_ints": [int(label) for label in classes]}
    )
    return helper.make_node(
        "LinearClassifier",
        ["probabilities"],
        ["label", "scores"],
        domain="ai.onnx.ml",
        coefficients=np.eye(size, dtype=np.float32).ravel().tolist(),
        intercepts=[0.0] * size,
        multi_class=1,
        post_transform="NONE",
        **labels,
    )
