import struct

import orjson
import pytest

from deployments.api.v2.tensors import Tensor, read_request
from hokusai.core.errors import InvalidInput


def body(**given: object) -> bytes:
    return orjson.dumps(given)


def one(**given: object) -> dict[str, object]:
    return {"name": "x", "datatype": "FP64", "shape": [2], "data": [1.0, 2.0]} | given


def test_data_may_be_flat_or_nested() -> None:
    flat = read_request(body(inputs=[one(shape=[2, 1])]), "").inputs[0]
    nested = read_request(body(inputs=[one(shape=[2, 1], data=[[1.0], [2.0]])]), "").inputs[0]
    assert flat == nested == Tensor("x", "FP64", (2, 1), [1.0, 2.0])


@pytest.mark.parametrize(
    ("datatype", "code", "values"),
    [
        ("FP64", "d", [1.5, -2.0]),
        ("FP32", "f", [1.5, -2.0]),
        ("INT64", "q", [1, -(1 << 40)]),
        ("INT8", "b", [1, -2]),
        ("UINT16", "H", [1, 65535]),
        ("BOOL", "?", [True, False]),
    ],
)
def test_bytes_follow_the_json_in_the_order_of_the_inputs(
    datatype: str, code: str, values: list[float]
) -> None:
    raw = struct.pack(f"<2{code}", *values)
    stated = one(datatype=datatype, parameters={"binary_data_size": len(raw)})
    del stated["data"]
    head = body(inputs=[{**stated, "name": "a"}, {**stated, "name": "b"}])
    found = read_request(head + raw + raw, str(len(head))).inputs
    assert [(tensor.name, list(tensor.values)) for tensor in found] == [
        ("a", values),
        ("b", values),
    ]


def test_texts_carry_their_lengths() -> None:
    raw = b"\x02\x00\x00\x00no\x03\x00\x00\x00yes"
    stated = one(datatype="BYTES", parameters={"binary_data_size": len(raw)})
    head = body(inputs=[stated])
    assert read_request(head + raw, str(len(head))).inputs[0].values == ["no", "yes"]
    tensor = Tensor("x", "BYTES", (2,), ["no", "yes"])
    assert tensor.as_bytes()[1] == raw


def test_outputs_are_asked_for_by_name_and_form() -> None:
    asked = read_request(
        body(inputs=[one()], outputs=[{"name": "p", "parameters": {"binary_data": True}}]), ""
    )
    assert (asked.wanted, asked.binary) == (("p",), frozenset({"p"}))
    every = read_request(body(inputs=[one()], parameters={"binary_data_output": True}), "")
    assert (every.wanted, every.binary) == ((), None)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"{", "no JSON"),
        (b"[]", "inputs"),
        (body(inputs=[]), "inputs"),
        (body(inputs=["x"]), "object with a name"),
        (body(inputs=[one(datatype="FP16")]), "datatype"),
        (body(inputs=[one(datatype=["FP64"])]), "datatype"),
        (body(inputs=[one(shape=[])]), "shape"),
        (body(inputs=[one(shape=[-1])]), "shape"),
        (body(inputs=[one(shape=[True, 2])]), "shape"),
        (body(inputs=[one(shape=[1, 1, 2])]), "shape"),
        (body(inputs=[one(shape=[3])]), "2 values, its shape says 3"),
        (body(inputs=[one(data=None)]), "neither data nor bytes"),
        (body(inputs=[one(data=[[1.0], 2.0])]), "mixes"),
        (body(inputs=[one(data=[[[1.0]], [[2.0]]])]), "deeper"),
        (body(inputs=[one(), one()]), "one name"),
        (body(inputs=[one(parameters={"binary_data_size": 16})]), "binary_data_size"),
        (body(inputs=[one(parameters={"binary_data_size": -1})]), "binary_data_size"),
        (body(inputs=[one()], outputs=["p"]), "Each output"),
    ],
)
def test_what_is_wrong_is_named(given: bytes, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_request(given, "")


@pytest.mark.parametrize("length", ["x", "-1", "1000", "3"])
def test_a_wrong_length_of_the_json_is_refused(length: str) -> None:
    with pytest.raises(InvalidInput):
        read_request(body(inputs=[one()]), length)


@pytest.mark.parametrize("raw", [b"\x09\x00\x00\x00no", b"\x02\x00", b"\x01\x00\x00\x00\xff"])
def test_texts_that_break_off_are_refused(raw: bytes) -> None:
    head = body(
        inputs=[one(datatype="BYTES", shape=[1], parameters={"binary_data_size": len(raw)})]
    )
    with pytest.raises(InvalidInput, match="text"):
        read_request(head + raw, str(len(head)))


def test_bytes_that_no_input_states_are_refused() -> None:
    head = body(inputs=[one()])
    with pytest.raises(InvalidInput, match="More bytes"):
        read_request(head + b"12345678", str(len(head)))
