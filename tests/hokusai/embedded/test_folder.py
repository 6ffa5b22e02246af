import os
from pathlib import Path

import pytest

from hokusai.embedded.errors import AlreadyRunning
from hokusai.embedded.folder import DataFolder, fresh_folder, write_private


def test_every_room_is_private(folder: DataFolder) -> None:
    rooms = [folder.root, *(path for path in folder.root.rglob("*") if path.is_dir())]
    assert {path.stat().st_mode & 0o777 for path in rooms} == {0o700}


def test_a_secret_is_made_once_and_private(folder: DataFolder) -> None:
    first = folder.secret("token")
    assert DataFolder(folder.root).secret("token") == first
    assert len(first) >= 32
    assert (folder.root / "secrets" / "token").stat().st_mode & 0o777 == 0o600


def test_two_secrets_differ(folder: DataFolder) -> None:
    assert folder.secret("one") != folder.secret("two")


def test_a_value_cut_short_is_forgotten(folder: DataFolder) -> None:
    folder.remember("ports", {"postgres": 1})
    assert folder.recall("ports") == {"postgres": 1}
    (folder.root / "run" / "ports.json").write_text('{"postg', encoding="ascii")
    assert folder.recall("ports") is None


def test_a_held_folder_names_its_holder(folder: DataFolder) -> None:
    folder.lock()
    other = DataFolder(folder.root)
    assert other.holder() == os.getpid()
    with pytest.raises(AlreadyRunning, match=str(os.getpid())):
        other.lock()
    folder.unlock()
    assert other.holder() is None


def test_only_a_large_log_is_set_aside(folder: DataFolder, monkeypatch) -> None:
    folder.log("web").write_text("a line\n", encoding="ascii")
    folder.rotate_log("web")
    assert folder.log("web").exists()
    monkeypatch.setattr("hokusai.embedded.folder.LOG_LIMIT_BYTES", 3)
    folder.rotate_log("web")
    assert not folder.log("web").exists()
    assert folder.log("web").with_suffix(".log.1").read_text("ascii") == "a line\n"


def test_a_tail_is_the_end_of_the_log(folder: DataFolder) -> None:
    folder.log("web").write_text("\n".join(map(str, range(100))), encoding="ascii")
    assert folder.log_tail("web", lines=2) == "98\n99"
    assert folder.log_tail("absent") == ""


def test_writing_replaces_the_file_and_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old", encoding="ascii")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text("ascii") == "new"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_fresh_folder_is_empty(tmp_path: Path) -> None:
    (tmp_path / "partial" / "data").mkdir(parents=True)
    assert list(fresh_folder(tmp_path / "partial").iterdir()) == []
