from pathlib import Path

import pytest

from hokusai.embedded.__main__ import main
from hokusai.embedded.folder import DataFolder


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOKUSAI_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def test_without_a_stack_there_is_no_environment_to_print(capsys) -> None:
    assert main(["env"]) == 1
    assert "No stack is up" in capsys.readouterr().err


def test_down_without_a_stack_says_so(capsys) -> None:
    assert main(["down"]) == 0
    assert "Nothing runs" in capsys.readouterr().out


def test_a_second_stack_on_the_folder_names_the_first(data_dir: Path, capsys) -> None:
    folder = DataFolder(data_dir)
    folder.lock()
    assert main(["up"]) == 1
    assert "already runs" in capsys.readouterr().err
    folder.unlock()


def test_the_environment_of_a_stack_is_quoted_for_a_shell(data_dir: Path, capsys) -> None:
    folder = DataFolder(data_dir)
    folder.lock()
    folder.remember(
        "environment",
        {"SECRET_KEY": "it's", "DATABASE_URL": "app", "DATABASE_OWNER_URL": "owner"},
    )
    assert main(["env"]) == 0
    plain = capsys.readouterr().out
    assert main(["env", "--owner"]) == 0
    owner = capsys.readouterr().out
    folder.unlock()
    assert plain == "export SECRET_KEY='it'\"'\"'s'\nexport DATABASE_URL=app\n"
    assert "export DATABASE_URL=owner\n" in owner
