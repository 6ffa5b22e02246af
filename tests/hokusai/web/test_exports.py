import csv
import io

import orjson
import pytest

from hokusai.web.exports import csv_answer, json_answer, safe_cell


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx"])
def test_text_that_a_spreadsheet_would_run_is_quoted(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("cell", ["tides", "", "a=b", -5, 1.5, None])
def test_other_cells_stay_as_they_are(cell: object) -> None:
    assert safe_cell(cell) == cell


def test_a_table_comes_as_a_file_with_its_headers() -> None:
    answer = csv_answer(("name", "gain"), [("=cmd", -5), ("a,b", 1)], "gain")
    rows = list(csv.reader(io.StringIO(answer.content.decode())))
    assert rows == [["name", "gain"], ["'=cmd", "-5"], ["a,b", "1"]]
    assert answer["Content-Type"].startswith("text/csv")
    assert answer["Content-Disposition"] == 'attachment; filename="gain.csv"'


def test_a_document_comes_as_a_file() -> None:
    answer = json_answer({"a": [1]}, "prov")
    assert orjson.loads(answer.content) == {"a": [1]}
    assert answer["Content-Type"] == "application/json"
