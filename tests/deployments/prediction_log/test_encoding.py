from typing import Any

import orjson
import pytest

from deployments.prediction_log.encoding import COLUMNS, Encoder, fields_of, without_payloads
from tests.deployments.prediction_log.entries import entry

KEY = b"k"


def row(*given: Any, encoder: Encoder | None = None, **changes: Any) -> dict[str, Any]:
    """The fields of an entry's line by name, payloads read."""
    encoder = encoder or Encoder(key=KEY, payload_bytes=1_000)
    line = encoder.line(entry(*given, **changes))
    assert line.count(b"\n") == 1
    found: dict[str, Any] = dict(zip(COLUMNS, fields_of(line), strict=True))
    for name in ("input", "output"):
        found[name] = found[name] and orjson.loads(found[name])
    return found


def test_a_row_states_what_happened() -> None:
    found = row(at=1_700_000_000.25, status=200, cached=True, rows=3, log_sample=0.25)
    assert found["at"] == "2023-11-14 22:13:20.250000+00"
    assert found["id"].startswith("1700000000")
    assert (found["cached"], found["rows"], found["weight"]) == ("t", "3", "4.0000")
    assert (found["project_id"], found["deployment_id"], found["revision_id"]) == ("1", "2", "3")
    assert found["input"] == {"rows": [{"a": 1.5}]}
    assert found["output"] == [{"prediction": 3}]
    assert found["redacted"] is None


def test_failures_are_never_sampled_so_they_stand_for_themselves() -> None:
    assert row(status=500, log_sample=0.01)["weight"] == "1.0000"


def test_each_row_has_a_key_of_its_own() -> None:
    encoder = Encoder(key=KEY, payload_bytes=1_000)
    keys = {row(encoder=encoder, at=1_700_000_000.25)["id"] for _ in range(50)}
    assert len(keys) == 50


@pytest.mark.parametrize(
    "text", ["\\", "a\\nb", 'quo"te', "tab\there", "line\nend\r", "\\N", "ünï", "\x00", "\u2028"]
)
def test_what_a_row_holds_comes_back_as_it_was(text: str) -> None:
    body = {"rows": [{text or "a": text}]}
    spaced = b'\n{\t"rows" :\r\n' + orjson.dumps(body["rows"]) + b" }\n"
    assert row(body)["input"] == row(spaced)["input"] == body
    assert row(None, {"outputs": [text]})["output"] == [text]


def test_text_that_a_caller_made_up_cannot_break_the_line() -> None:
    found = row(content_type="a\tb\nc\\" + "x" * 500, request_id="r\x00\udc80")
    assert found["content_type"].startswith("a?b?c?xx")
    assert len(found["content_type"]) == 200
    assert found["request_id"] == "r??"


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        (b'{"rows": [', {"status": 400}),
        (b"\xff\xfe", {"status": 400}),
        (b"ARROW1", {"content_type": "application/vnd.apache.arrow.stream"}),
        ({"rows": [{"a": "x" * 2_000}]}, {}),
    ],
)
def test_what_is_no_json_or_too_large_is_kept_by_size_and_digest(
    body: Any, changes: dict[str, Any]
) -> None:
    found = row(body, **changes)
    assert found["input"] is None
    assert int(found["input_bytes"]) > 0
    assert len(found["input_digest"]) == 32


def test_without_payloads_only_digests_and_numbers_are_kept() -> None:
    found = row(log_payloads=False)
    assert (found["input"], found["output"]) == (None, None)
    assert found["input_digest"] == row()["input_digest"]


def test_digests_cannot_be_tried_out_without_the_key() -> None:
    other = Encoder(key=b"other", payload_bytes=1_000)
    assert row()["input_digest"] != row(encoder=other)["input_digest"]


HIDDEN = frozenset({"name", 'odd"\\'})


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (
            {"rows": [{"name": "Ada", "a": 1}, "Ada"], "note": "Ada"},
            {"rows": [{"name": "[redacted]", "a": 1}, "[redacted]"]},
        ),
        (
            {"columns": ["a", "name"], "data": [[1, "Ada"]]},
            {"columns": ["a", "name"], "data": [[1, "[redacted]"]]},
        ),
        ({"columns": ["name"], "data": [[1, "Ada"]]}, None),
        (
            {"inputs": [{"name": "name", "shape": [1, 1], "data": ["Ada"], "parameters": "Ada"}]},
            {"inputs": [{"name": "name", "shape": [1, 1], "data": "[redacted]"}]},
        ),
        ({"inputs": [{"name": "all", "shape": [1, 2], "data": [1, "Ada"]}]}, None),
        ({"instances": ["Ada"]}, None),
        (["Ada"], None),
    ],
)
def test_hidden_columns_are_kept_in_no_form(given: Any, kept: Any) -> None:
    found = row(given, redacted_columns=HIDDEN)
    assert found["input"] == kept
    assert found["redacted"] == '{"name","odd\\"\\\\"}'


@pytest.mark.parametrize(
    ("outputs", "kept"),
    [
        ([{"name": "Ada", "p": 1}], [{"name": "[redacted]", "p": 1}]),
        ([{"name": "p", "shape": [1], "data": [1]}], [{"name": "p", "shape": [1], "data": [1]}]),
        ({"name": "Ada"}, None),
    ],
)
def test_hidden_columns_are_kept_in_no_output(outputs: Any, kept: Any) -> None:
    assert row(None, {"outputs": outputs}, redacted_columns=HIDDEN)["output"] == kept


def test_a_refused_request_with_hidden_columns_keeps_neither_rows_nor_the_text() -> None:
    problem = {"code": "invalid_input", "message": "'Ada' is no number", "context": {"row": 0}}
    found = row({"rows": [{"nmae": "Ada"}]}, problem, status=400, redacted_columns=HIDDEN)
    assert (found["input"], found["output"]) == (None, {"row": 0, "code": "invalid_input"})


def test_a_line_can_lose_its_payloads_and_keeps_the_rest() -> None:
    line = Encoder(key=KEY, payload_bytes=1_000).line(entry())
    assert fields_of(without_payloads(line)) == [*fields_of(line)[:-2], None, None]


def test_half_a_line_is_none() -> None:
    with pytest.raises(ValueError, match="fields"):
        fields_of(b"1\t2\n")
