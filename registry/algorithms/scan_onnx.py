"""ONNX files: parsed as protobuf, never run and never shape-inferred.

Before the parse the wire format is walked and its fields are counted: a few bytes may ask a parser
for a hundred times their size, and a session for gigabytes (a constant shape of 2.4 GiB fits into
134 bytes).
"""

import mmap
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Final

import numpy as np
import onnx
from google.protobuf.message import DecodeError, Message

from registry.algorithms.findings import Ledger

STANDARD_DOMAINS: Final = frozenset(
    {
        "",
        "ai.onnx",
        "ai.onnx.ml",
        "ai.onnx.training",
        "ai.onnx.preview",
        "ai.onnx.preview.training",
        "com.microsoft",  # carried by onnxruntime itself
    }
)
# These make a tensor of a size that a small constant names.
_MAKERS: Final = frozenset(
    {"ConstantOfShape", "Expand", "Tile", "Resize", "Upsample", "Pad", "RandomNormal",
     "RandomUniform", "Reshape", "Range", "OneHot", "EyeLike", "Multinomial", "Bernoulli"}
)  # fmt: skip
ELEMENT_BYTES: Final = 4
SLACK_BYTES: Final = 64 * 1024**2
SLACK_RATIO: Final = 64
MAX_DEPTH: Final = 32
# https://protobuf.dev/programming-guides/encoding/
_LENGTH_WIRE: Final = 2
_VARINT_BITS: Final = 70
_SEVEN_BITS: Final = 0x7F


def scan_onnx(path: Path, name: str, folder: Path, ledger: Ledger) -> None:
    """Read one ONNX file of the artifact in `folder`. Adds what it finds to `ledger`."""
    size = path.stat().st_size
    if size > ledger.limits.max_onnx_bytes:
        ledger.unreadable(name, "the ONNX file is too large to be parsed here")
        return
    if size == 0:
        ledger.unreadable(name, "the ONNX file is empty")
        return
    try:
        with path.open("rb") as source, mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as m:
            _Walk(memoryview(m), ledger).count()
        model = onnx.ModelProto()
        model.ParseFromString(path.read_bytes())
    except (DecodeError, ValueError, MemoryError) as error:
        ledger.unreadable(name, f"the ONNX file cannot be parsed: {error}")
        return
    _check_model(model, name, folder, size, ledger)


def is_onnx(path: Path) -> bool:
    """By name; by content nothing tells one protobuf from another."""
    return path.suffix.lower() in {".onnx", ".ort"}


class _Walk:
    """Walks protobuf's wire format by ONNX's own descriptors and counts fields."""

    def __init__(self, data: memoryview, ledger: Ledger) -> None:
        self.data, self.ledger, self.seen = data, ledger, 0

    def count(self) -> None:
        """Raises ValueError: too many fields, nested too deep, or malformed."""
        try:
            self._message(0, len(self.data), onnx.ModelProto.DESCRIPTOR, 0)
        finally:
            self.data.release()

    def _message(self, at: int, end: int, descriptor: Any, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise ValueError("its messages are nested too deep")
        while at < end:
            at, number, wire, length = self._field(at, end)
            known = descriptor.fields_by_number.get(number)
            nested = known.message_type if known is not None and wire == _LENGTH_WIRE else None
            if nested is not None:
                self._message(at, at + length, nested, depth + 1)
            at += length
        if at != end:
            raise ValueError("a field leaves its message")

    def _field(self, at: int, end: int) -> tuple[int, int, int, int]:
        """Where the next field's content begins, its number, wire type and length."""
        self.seen += 1
        if self.seen > self.ledger.limits.max_onnx_fields:
            raise ValueError("it has more fields than are read here")
        if self.seen % 65536 == 0:
            self.ledger.check_time()
        key, at = self._varint(at, end)
        number, wire = key >> 3, key & 7
        if wire == 0:
            _, after = self._varint(at, end)
            return at, number, wire, after - at
        if wire == _LENGTH_WIRE:
            length, at = self._varint(at, end)
        else:
            length = {1: 8, 5: 4}.get(wire, -1)
        if length < 0 or at + length > end:
            raise ValueError("a field is malformed")
        return at, number, wire, length

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        value = shift = 0
        while at < end and shift < _VARINT_BITS:
            byte = self.data[at]
            at += 1
            value |= (byte & _SEVEN_BITS) << shift
            if byte <= _SEVEN_BITS:
                return value, at
            shift += 7
        raise ValueError("a number is malformed")


def _check_model(
    model: onnx.ModelProto, name: str, folder: Path, size: int, ledger: Ledger
) -> None:
    if not model.HasField("graph"):
        ledger.unreadable(name, "the ONNX file holds no graph")
        return
    own = {(function.domain, function.name) for function in model.functions}
    limit = SLACK_BYTES + SLACK_RATIO * size
    for part in _parts(model):
        ledger.check_time()
        if isinstance(part, onnx.NodeProto):
            _check_operator(part, own, name, ledger)
        elif isinstance(part, onnx.TensorProto):
            _check_external(part, name, folder, ledger)
            _check_tensor(part, name, limit, ledger)
        elif isinstance(part, onnx.GraphProto | onnx.FunctionProto):
            _check_makers(part, name, limit, ledger)


def _parts(model: onnx.ModelProto) -> Iterator[Message]:
    """Every graph, function, node and tensor, also in the branches of nodes."""
    waiting: list[Message] = [model.graph, *model.functions]
    for training in model.training_info:
        waiting += [training.initialization, training.algorithm]
    while waiting:
        part = waiting.pop()
        yield part
        if isinstance(part, onnx.GraphProto):
            waiting += [*part.node, *part.initializer]
            for sparse in part.sparse_initializer:
                waiting += [sparse.values, sparse.indices]
        elif isinstance(part, onnx.FunctionProto):
            waiting += list(part.node)
        elif isinstance(part, onnx.NodeProto):
            waiting += list(_of_attributes(part))


def _of_attributes(node: onnx.NodeProto) -> Iterator[Message]:
    for attribute in node.attribute:
        yield from attribute.graphs
        yield from attribute.tensors
        if attribute.HasField("g"):
            yield attribute.g
        if attribute.HasField("t"):
            yield attribute.t


def _check_operator(
    node: onnx.NodeProto, own: set[tuple[str, str]], name: str, ledger: Ledger
) -> None:
    if node.domain not in STANDARD_DOMAINS and (node.domain, node.op_type) not in own:
        detail = f"the operator {node.domain}.{node.op_type} needs code from elsewhere"
        ledger.add(name, "onnx-operator", detail, "suspicious")
    if node.op_type in {"PyOp", "PythonOp"}:
        ledger.add(name, "onnx-operator", f"{node.op_type} runs Python", "dangerous")


def _check_external(tensor: onnx.TensorProto, name: str, folder: Path, ledger: Ledger) -> None:
    """External data lie in the artifact's folder, beside the file, and are all there."""
    stated = {entry.key: entry.value for entry in tensor.external_data}
    if not stated and tensor.data_location != onnx.TensorProto.EXTERNAL:
        return
    place = stated.get("location", "")
    windows = PureWindowsPath(place)
    steps = {*PurePosixPath(place).parts, *windows.parts}
    if not place or PurePosixPath(place).is_absolute() or windows.anchor or ".." in steps:
        detail = f"external data at {place!r} leave the folder"
        ledger.add(name, "onnx-external-data", detail, "dangerous")
        return
    target = (folder / name).parent / place
    if target.is_symlink() or not target.is_file():
        detail = f"external data at {place!r} are missing"
        ledger.add(name, "onnx-external-data", detail, "suspicious")
        return
    if _beyond(stated, target.stat().st_size):
        detail = f"external data are asked for beyond the end of {place!r}"
        ledger.add(name, "onnx-external-data", detail, "dangerous")


def _beyond(stated: dict[str, str], held: int) -> bool:
    try:
        offset, length = int(stated.get("offset") or 0), int(stated.get("length") or 0)
    except ValueError:
        return True
    return offset < 0 or length < 0 or offset + length > held


def _check_tensor(tensor: onnx.TensorProto, name: str, limit: int, ledger: Ledger) -> None:
    elements = _product(tensor.dims)
    if elements is None:
        ledger.add(name, "onnx-size", "a tensor has a negative side", "dangerous")
    elif tensor.data_location != onnx.TensorProto.EXTERNAL and elements * ELEMENT_BYTES > limit:
        detail = f"a tensor declares {elements} elements, far more than the file can hold"
        ledger.add(name, "onnx-size", detail, "dangerous")


def _check_makers(
    graph: onnx.GraphProto | onnx.FunctionProto, name: str, limit: int, ledger: Ledger
) -> None:
    """Constants that name the size of a tensor to be made."""
    constants = _constants(graph)
    for node in graph.node:
        if node.op_type not in _MAKERS:
            continue
        named = [constants[item] for item in node.input if item in constants]
        named += [list(item.ints) for item in node.attribute if item.name == "shape"]
        for numbers in named:
            elements = _product([abs(number) for number in numbers])
            if elements is not None and elements * ELEMENT_BYTES > limit:
                detail = f"{node.op_type} makes a tensor of {elements} elements"
                ledger.add(name, "onnx-size", detail, "dangerous")


def _constants(graph: onnx.GraphProto | onnx.FunctionProto) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    if isinstance(graph, onnx.GraphProto):
        found |= {tensor.name: _integers(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.output:
            for attribute in node.attribute:
                numbers = _integers(attribute.t) if attribute.HasField("t") else []
                found[node.output[0]] = numbers or list(attribute.ints) or [attribute.i]
    return found


def _integers(tensor: onnx.TensorProto) -> list[int]:
    """The integers of a small tensor; [] for any other."""
    small = (_product(tensor.dims) or 0) <= MAX_DEPTH
    if not small or tensor.data_location == onnx.TensorProto.EXTERNAL:
        return []
    if tensor.data_type == onnx.TensorProto.INT64:
        raw = tensor.raw_data
        if raw:
            return [int(item) for item in np.frombuffer(raw[: len(raw) // 8 * 8], dtype="<i8")]
        return [int(item) for item in tensor.int64_data]
    if tensor.data_type == onnx.TensorProto.INT32:
        raw = tensor.raw_data
        if raw:
            return [int(item) for item in np.frombuffer(raw[: len(raw) // 4 * 4], dtype="<i4")]
        return [int(item) for item in tensor.int32_data]
    return []


def _product(sides: Any) -> int | None:
    """The product; None where a side is negative."""
    total = 1
    for side in sides:
        if side < 0:
            return None
        total *= int(side)
    return total
