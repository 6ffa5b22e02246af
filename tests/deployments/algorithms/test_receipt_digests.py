import json
from hashlib import sha256

import pytest

from deployments.algorithms import receipt_digests
from deployments.algorithms.receipt_digests import NoDigest

ROWS = b'[{"a":1,"b":0.000001},{"a":2.5,"b":10000000000000000}]'


def of(rows: str) -> str:
    return receipt_digests.of_rows(f'{{"rows": {rows}}}'.encode())


def test_the_digest_is_over_the_canonical_form_of_the_rows():
    assert of(ROWS.decode()) == f"rows-jcs:{sha256(ROWS).hexdigest()}"


@pytest.mark.parametrize(
    "other",
    [
        '[{"b": 1e-6, "a": 1.0}, {"a": 2.50, "b": 1e16}]',
        '[{"a": 1, "b": 0.0000010}, {"a": 25e-1, "b": 10000000000000000}]',
    ],
)
def test_spaces_order_and_spelling_of_numbers_make_no_difference(other):
    assert of(other) == of(ROWS.decode())


def test_both_forms_of_a_body_say_the_same():
    data = {"columns": ["b", "a"], "data": [[1e-6, 1], [1e16, 2.5]]}
    assert receipt_digests.of_rows(json.dumps(data).encode()) == of(ROWS.decode())


def test_integers_that_no_double_holds_count_as_the_nearest_double():
    assert of('[{"a": 9007199254740993}]') == of('[{"a": 9007199254740992}]')


@pytest.mark.parametrize(
    "other",
    ['[{"a": 2}]', '[{"b": 1}]', '[{"a": "1"}]', '[{"a": true}]', '[{"a": 1}, {"a": 1}]', "[]"],
)
def test_any_other_value_has_another_digest(other):
    assert of(other) != of('[{"a": 1}]')


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"3",
        b"{}",
        b'{"columns": ["a"], "data": [[1, 2]]}',
        b'{"columns": ["a"], "data": [3]}',
        b'{"columns": [["a"]], "data": [[1]]}',
        b'{"rows": [' + b" " * receipt_digests.MAX_JSON_BYTES + b"]}",
        b'{"rows": [{"a": 1e999}]}',
    ],
)
def test_what_has_no_canonical_form_is_refused(body):
    with pytest.raises(NoDigest):
        receipt_digests.of_rows(body)


def test_outputs_and_other_bodies_name_their_form():
    assert receipt_digests.of_outputs(b"[ ]") == f"outputs-jcs:{sha256(b'[]').hexdigest()}"
    assert receipt_digests.of_bytes(b"ARROW1") == f"bytes:{sha256(b'ARROW1').hexdigest()}"
