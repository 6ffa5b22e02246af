"""Tensors of the V2 inference protocol, in JSON or behind it as bytes, to rows and back.

    body := json tensor*      the header Inference-Header-Content-Length says where the JSON ends

Bytes are little-endian and row-major; a BYTES element is its length as u32, then UTF-8.
Source: https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol and the
binary tensor data extension at https://github.com/triton-inference-server/server
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import prod
from typing import Any, Final

import orjson

from hokusai.core.errors import InvalidInput

# Codes of `struct`, which `memoryview.cast` reads on little-endian machines.
NUMBERS: Final = {
    "BOOL": "?",
    "UINT8": "B",
    "UINT16": "H",
    "UINT32": "I",
    "UINT64": "Q",
    "INT8": "b",
    "INT16": "h",
    "INT32": "i",
    "INT64": "q",
    "FP32": "f",
    "FP64": "d",
}
TEXT: Final = "BYTES"
LENGTH: Final = struct.Struct("<I")
MATRIX: Final = 2
LONGEST: Final = 1 << 40


@dataclass(frozen=True, slots=True)
class Tensor:
    """A name, (n,) or (n, d) as shape, and its n * d values, row by row."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: Sequence[Any]
    parameters: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """As an output in JSON."""
        return self._head({}) | {"data": list(self.values)}

    def as_bytes(self) -> tuple[dict[str, Any], bytes]:
        """As an output in JSON, and the bytes that follow."""
        if self.datatype == TEXT:
            texts = [str(value).encode() for value in self.values]
            raw = b"".join(LENGTH.pack(len(text)) + text for text in texts)
        else:
            raw = struct.pack(f"<{len(self.values)}{NUMBERS[self.datatype]}", *self.values)
        return self._head({"binary_data_size": len(raw)}), raw

    def _head(self, more: dict[str, Any]) -> dict[str, Any]:
        head: dict[str, Any] = {
            "name": self.name,
            "datatype": self.datatype,
            "shape": list(self.shape),
        }
        parameters = {**(self.parameters or {}), **more}
        return head | {"parameters": parameters} if parameters else head


@dataclass(frozen=True, slots=True)
class Asked:
    """One inference request. `binary`: names of outputs wanted as bytes; None: of every one.

    `wanted`: names of outputs that are answered; empty: all.
    """

    request_id: str
    inputs: tuple[Tensor, ...]
    wanted: tuple[str, ...]
    binary: frozenset[str] | None


def read_request(body: bytes, header_length: str) -> Asked:
    """A request. Raises InvalidInput that names the tensor."""
    size = len(body)
    if header_length:
        if not header_length.isdecimal() or int(header_length) > size:
            raise InvalidInput("Inference-Header-Content-Length is not the length of the JSON.")
        size = int(header_length)
    try:
        given = orjson.loads(body[:size])
    except orjson.JSONDecodeError as error:
        raise InvalidInput("The body begins with no JSON.") from error
    stated = given.get("inputs") if isinstance(given, dict) else None
    if not isinstance(stated, list) or not stated:
        raise InvalidInput('Give {"inputs": [{"name", "shape", "datatype", "data"}]}.')
    inputs = _inputs(stated, memoryview(body)[size:])
    wanted, binary = _outputs(given)
    return Asked(str(given.get("id") or "")[:200], inputs, wanted, binary)


def _inputs(stated: list[Any], raw: memoryview) -> tuple[Tensor, ...]:
    found, start = [], 0
    for one in stated:
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            raise InvalidInput("Each input is an object with a name.")
        size = _parameters(one).get("binary_data_size")
        if size is None:
            found.append(_read(one, one.get("data")))
            continue
        if type(size) is not int or not 0 <= size <= len(raw) - start:
            raise _wrong(one, "binary_data_size is not the size of its bytes")
        found.append(_read(one, raw[start : start + size]))
        start += size
    if start != len(raw):
        raise InvalidInput("More bytes follow than the inputs state.")
    if len({tensor.name for tensor in found}) != len(found):
        raise InvalidInput("Two inputs have one name.")
    return tuple(found)


def _read(one: dict[str, Any], data: Any) -> Tensor:
    datatype, shape = one.get("datatype"), _shape(one)
    if datatype not in (TEXT, *NUMBERS):
        known = ", ".join((*NUMBERS, TEXT))
        raise _wrong(one, f"its datatype is not among {known}")
    if isinstance(data, memoryview):
        values = _from_bytes(one, data, str(datatype))
    else:
        values = _flat(one, data)
    if len(values) != prod(shape):
        raise _wrong(one, f"it has {len(values)} values, its shape says {prod(shape)}")
    return Tensor(one["name"], str(datatype), shape, values)


def _shape(one: dict[str, Any]) -> tuple[int, ...]:
    stated = one.get("shape")
    shape = tuple(stated) if isinstance(stated, list) else ()
    whole = all(type(size) is int and 0 < size < LONGEST for size in shape)
    if not whole or not 1 <= len(shape) <= MATRIX:
        raise _wrong(one, "its shape is not [rows] or [rows, columns]")
    return shape


def _flat(one: dict[str, Any], data: Any) -> list[Any]:
    if not isinstance(data, list):
        raise _wrong(one, "it has neither data nor bytes")
    if data and isinstance(data[0], list):
        if set(map(type, data)) != {list}:
            raise _wrong(one, "its data mixes rows and values")
        data = list(chain.from_iterable(data))
    if any(isinstance(value, list | dict) for value in data):
        raise _wrong(one, "its data is nested deeper than rows")
    return data


def _from_bytes(one: dict[str, Any], raw: memoryview, datatype: str) -> list[Any]:
    if datatype == TEXT:
        return _texts(one, raw)
    code = NUMBERS[datatype]
    if len(raw) % struct.calcsize(code):
        raise _wrong(one, "its bytes are no whole number of values")
    numbers: list[Any] = memoryview(raw).cast(code).tolist()  # type: ignore[call-overload]
    return numbers


def _texts(one: dict[str, Any], raw: memoryview) -> list[str]:
    texts, start = [], 0
    while start < len(raw):
        begin = start + LENGTH.size
        end = begin + LENGTH.unpack_from(raw, start)[0] if begin <= len(raw) else len(raw) + 1
        if end > len(raw):
            raise _wrong(one, "a text is longer than its bytes")
        try:
            texts.append(bytes(raw[begin:end]).decode())
        except UnicodeDecodeError as error:
            raise _wrong(one, "a text is not UTF-8") from error
        start = end
    return texts


def _outputs(given: dict[str, Any]) -> tuple[tuple[str, ...], frozenset[str] | None]:
    everything = bool(_parameters(given).get("binary_data_output"))
    stated = given.get("outputs")
    if not isinstance(stated, list) or not stated:
        return (), None if everything else frozenset()
    if not all(isinstance(one, dict) and isinstance(one.get("name"), str) for one in stated):
        raise InvalidInput("Each output is an object with a name.")
    binary = [
        one["name"] for one in stated if _parameters(one).get("binary_data", everything) is True
    ]
    return tuple(one["name"] for one in stated), frozenset(binary)


def _parameters(one: dict[str, Any]) -> dict[str, Any]:
    found = one.get("parameters")
    return found if isinstance(found, dict) else {}


def _wrong(one: dict[str, Any], what: str) -> InvalidInput:
    name = one["name"][:80]
    return InvalidInput(f"Input {name!r}: {what}.", input=name)
