"""skops files: their types and the indices of their trees, by parsing JSON and plain arrays.

A loader follows a tree's child indices without a check, and an index beyond the array ends the
process (a segmentation fault at predict).
"""

import io
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from registry.algorithms.archives import Archive, ArchiveRefused
from registry.algorithms.findings import Ledger
from registry.algorithms.npy import read_array_header

SCHEMA: Final = "schema.json"
MAX_SCHEMA_BYTES: Final = 64 * 1024**2
LEAF: Final = -1
MAX_DIGITS: Final = 11
# Loaders of skops that take a function of these packages and no others.
_WRAPPED: Final = frozenset(
    {
        ("OperatorFuncNode", "operator"),
        ("OperatorFuncNode", "_operator"),
        ("PartialNode", "functools"),
    }
)

_KNOWN_PACKAGES: Final = frozenset({"numpy", "scipy", "sklearn", "collections", "datetime"})
_KNOWN_BUILTINS: Final = frozenset(
    {
        "bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list",
        "NoneType", "range", "set", "slice", "str", "tuple", "type",
    }
)  # fmt: skip
_DANGEROUS: Final = frozenset(
    {
        "asyncio", "builtins", "code", "commands", "ctypes", "functools", "importlib", "marshal",
        "multiprocessing", "nt", "operator", "os", "pathlib", "pickle", "posix", "pty", "runpy",
        "shutil", "socket", "subprocess", "sys", "threading", "types", "webbrowser",
    }
)  # fmt: skip
_LOADERS: Final = frozenset(
    {
        "BytearrayNode", "BytesNode", "CachedNode", "DatetimeNode", "DefaultDictNode", "DictNode",
        "DType", "FrozenSetNode", "FunctionNode", "JsonNode", "ListNode", "LossNode",
        "MaskedArrayNode", "MethodNode", "NdArrayNode", "ObjectNode", "OperatorFuncNode",
        "OrderedDictNode", "PartialNode", "RandomGeneratorNode", "RandomStateNode", "SetNode",
        "SliceNode", "SparseMatrixNode", "TreeNode", "TupleNode", "TypeNode", "DTypeNode",
        "SGDNode",
    }
)  # fmt: skip


def scan_skops(archive: Archive, path: str, ledger: Ledger) -> None:
    """Read one skops file. Adds what it finds to `ledger`."""
    names = {member.name for member in archive.members}
    if SCHEMA not in names:
        ledger.unreadable(path, "the skops file has no schema.json")
        return
    try:
        schema = json.loads(archive.read(SCHEMA, MAX_SCHEMA_BYTES))
    except (ArchiveRefused, ValueError, RecursionError) as error:
        ledger.unreadable(path, f"the schema cannot be read: {error or type(error).__name__}")
        return
    for node in _nodes(schema):
        ledger.check_time()
        _check_type(node, path, ledger)
        _check_file(node, names, path, ledger)
    arrays = _trees(archive, path, ledger)
    for name, nodes in arrays.items():
        _check_children(nodes, f"{path}:{name}", ledger)
    for node in _nodes(schema):
        if node.get("__loader__") == "TreeNode":
            _check_tree(node, arrays, path, ledger)


def _nodes(schema: Any) -> Iterator[Mapping[str, Any]]:
    """Every object of the schema, without recursion."""
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _check_type(node: Mapping[str, Any], path: str, ledger: Ledger) -> None:
    loader = node.get("__loader__")
    if loader is None:
        return
    if loader not in _LOADERS:
        ledger.add(path, "skops-loader", f"it asks for the loader {loader!r}", "suspicious")
    module, name = str(node.get("__module__", "")), str(node.get("__class__", ""))
    package = module.split(".", maxsplit=1)[0]
    if package == "builtins" and name in _KNOWN_BUILTINS:
        return
    if (loader, package) in _WRAPPED:
        ledger.add(path, "skops-type", f"it uses {module}.{name}", "suspicious")
    elif package in _DANGEROUS:
        ledger.add(path, "skops-type", f"it loads {module}.{name}", "dangerous")
    elif package not in _KNOWN_PACKAGES:
        ledger.add(path, "skops-type", f"it loads {module}.{name}", "suspicious")


def _check_file(node: Mapping[str, Any], names: set[str], path: str, ledger: Ledger) -> None:
    name = node.get("file")
    if isinstance(name, str) and "__loader__" in node and name not in names:
        ledger.add(path, "skops-member", f"the member {name!r} is missing", "suspicious")


def _trees(archive: Archive, path: str, ledger: Ledger) -> dict[str, npt.NDArray[Any]]:
    """The arrays that hold the nodes of a tree; others were seen by their header."""
    found: dict[str, npt.NDArray[Any]] = {}
    for member in archive.members:
        if not member.name.endswith(".npy"):
            continue
        ledger.check_time()
        try:
            nodes = _tree(archive, member.name, ledger.limits.max_array_bytes)
        except (ArchiveRefused, ValueError, TypeError, KeyError, EOFError, OSError) as error:
            ledger.unreadable(f"{path}:{member.name}", f"the array cannot be read: {error}")
            continue
        if nodes is not None:
            found[member.name] = nodes
    return found


def _tree(archive: Archive, name: str, max_bytes: int) -> npt.NDArray[Any] | None:
    content = archive.read(name, max_bytes)
    shape, dtype = read_array_header(io.BytesIO(content))
    if dtype.hasobject or not _is_tree(dtype) or math.prod(shape) > len(content):
        return None
    return np.asarray(np.load(io.BytesIO(content), allow_pickle=False)).reshape(-1)


def _is_tree(dtype: np.dtype[Any]) -> bool:
    fields = set(dtype.names or ())
    return {"left_child", "right_child"} <= fields or {"left", "right", "is_leaf"} <= fields


def _check_children(nodes: npt.NDArray[Any], path: str, ledger: Ledger) -> None:
    """A child stands after its parent and inside the array; anything else crashes or never ends."""
    if "left_child" in (nodes.dtype.names or ()):
        left, right = nodes["left_child"], nodes["right_child"]
        inner = left != LEAF
        lone = (right == LEAF) != (left == LEAF)
    else:
        left, right = nodes["left"], nodes["right"]
        inner = nodes["is_leaf"] == 0
        lone = np.zeros(len(nodes), dtype=bool)
    places = np.arange(len(nodes), dtype=np.int64)
    bad = lone.copy()
    for side in (left.astype(np.int64), right.astype(np.int64)):
        bad |= inner & ((side <= places) | (side >= len(nodes)))
    if bad.any():
        detail = f"{int(bad.sum())} nodes of a tree name a child that is not in it"
        ledger.add(path, "tree-index", detail, "dangerous")


def _check_tree(
    node: Mapping[str, Any],
    arrays: Mapping[str, npt.NDArray[Any]],
    path: str,
    ledger: Ledger,
) -> None:
    """The features that a tree asks for exist, and it has as many nodes as it says."""
    features, name, count = _features(node), _content(node, "nodes", "file"), _count(node)
    nodes = arrays.get(str(name))
    if nodes is None or "feature" not in (nodes.dtype.names or ()):
        ledger.add(path, "tree-index", "the nodes of a tree cannot be checked", "suspicious")
        return
    if count is not None and count != len(nodes):
        detail = f"a tree says that it has {count} nodes and has {len(nodes)}"
        ledger.add(f"{path}:{name}", "tree-index", detail, "dangerous")
    asked = nodes["feature"][nodes["left_child"] != LEAF]
    if asked.size and (features is None or asked.min() < 0 or asked.max() >= features):
        detail = f"a tree reads a feature beyond its {features}"
        ledger.add(f"{path}:{name}", "tree-index", detail, "dangerous")


def _content(node: Mapping[str, Any], key: str, part: str) -> Any:
    found: Any = node
    for step in ("content", "content", key, part):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _count(node: Mapping[str, Any]) -> int | None:
    return _integer(_content(node, "node_count", "content"))


def _features(node: Mapping[str, Any]) -> int | None:
    """The first argument with which a tree is made: its number of features."""
    found: Any = node
    for step in ("__reduce__", "args", "content"):
        found = found.get(step) if isinstance(found, Mapping) else None
    first = found[0] if isinstance(found, list) and found else None
    return _integer(first.get("content") if isinstance(first, Mapping) else None)


def _integer(text: Any) -> int | None:
    decimal = isinstance(text, str) and text.isdecimal() and len(text) <= MAX_DIGITS
    return int(text) if decimal else None
