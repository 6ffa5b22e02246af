"""What a runner serves is known to the next one."""

from pathlib import Path

import pytest

from hokusai.runner.journal import NAME, Journal
from hokusai.runner.spec import Spec

SPEC = Spec("rev_a", "prj_a", "a" * 64, 1 << 30, "b" * 64, 2.5, 300.0, 20.0)


def test_what_was_written_is_read_back_by_another(tmp_path: Path) -> None:
    Journal(tmp_path).write([(SPEC, "onnx")])
    assert Journal(tmp_path).read() == [(SPEC, "onnx")]
    Journal(tmp_path).write([])
    assert Journal(tmp_path).read() == []


def test_a_runner_killed_while_it_wrote_left_the_old_words(tmp_path: Path) -> None:
    Journal(tmp_path).write([(SPEC, "onnx")])
    (tmp_path / NAME).with_suffix(".new").write_bytes(b'{"served": [{"ke')
    assert Journal(tmp_path).read() == [(SPEC, "onnx")]


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"served": [{"key": "a"}]}', b'{"served": [7]}'])
def test_a_damaged_journal_names_nothing(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / NAME).write_bytes(raw)
    assert Journal(tmp_path).read() == []


def test_without_a_journal_nothing_was_served(tmp_path: Path) -> None:
    assert Journal(tmp_path).read() == []
