import os
from pathlib import Path

import pytest

from deployments.prediction_log import spool as spools
from deployments.prediction_log.spool import Spool


def read(spool: Spool) -> list[bytes]:
    return [line for _, chunks in spool.read_back() for lines in chunks for line in lines]


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def test_lines_come_back_once_and_in_their_order(spool: Spool) -> None:
    assert spool.append([b"1\n", b"2\n"])
    assert spool.append([b"3\n"])
    spool.close()
    assert read(spool) == [b"1\n", b"2\n", b"3\n"]
    assert read(spool) == []


def test_nobody_but_the_owner_may_read_what_lies_there(spool: Spool) -> None:
    spool.append([b"1\n"])
    (file,) = spool.folder.iterdir()
    assert (spool.folder.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)


def test_a_file_that_is_being_written_is_left_alone(spool: Spool) -> None:
    spool.append([b"1\n"])
    assert read(Spool(spool.folder)) == []


def test_what_a_killed_process_left_is_read(spool: Spool) -> None:
    child = os.fork()
    if child == 0:
        spool.append([b"1\n"])
        os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    assert read(spool) == [b"1\n"]


def test_half_a_line_at_the_end_is_passed_over(spool: Spool) -> None:
    spool.append([b"1\n", b"2"])
    spool.close()
    assert read(spool) == [b"1\n"]


def test_a_file_that_was_not_read_to_its_end_stays(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spools, "CHUNK", 1)
    spool.append([b"1\n", b"2\n"])
    spool.close()
    for _, chunks in spool.read_back():
        next(chunks)
        break
    assert read(spool) == [b"1\n", b"2\n"]


def test_a_full_spool_takes_no_more(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spools, "MAX_BYTES", 3)
    assert spool.append([b"1\n"])
    assert not spool.append([b"2\n"])


def test_a_disk_that_takes_nothing_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert not Spool(tmp_path / "file").append([b"1\n"])
