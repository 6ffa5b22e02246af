import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from experiments import evaluator
from hokusai.core.canonical import sha256_hex


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    evaluator.revision.cache_clear()
    evaluator.lock_digest.cache_clear()
    yield
    evaluator.revision.cache_clear()
    evaluator.lock_digest.cache_clear()


def test_the_lock_digest_is_of_the_lock_files_bytes(settings: Settings, tmp_path: Path) -> None:
    settings.LOCK_FILE = tmp_path / "lock.txt"
    settings.LOCK_FILE.write_bytes(b"numpy==2.0\n")
    assert evaluator.lock_digest() == sha256_hex(b"numpy==2.0\n")


def test_the_settings_name_the_revision_before_git_does(settings: Settings) -> None:
    settings.CODE_REVISION = "1.4.2"
    assert evaluator.revision() == "1.4.2"


def test_a_checkout_names_its_commit(settings: Settings, tmp_path: Path) -> None:
    settings.CODE_REVISION, settings.BASE_DIR = "", tmp_path
    git = ["git", "-C", str(tmp_path), "-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run([*git[:3], "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "First"], check=True)
    head = subprocess.run(
        [*git[:3], "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    )
    assert evaluator.revision() == head.stdout.strip()


def test_a_folder_that_is_no_checkout_has_no_known_revision(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CODE_REVISION, settings.BASE_DIR = "", tmp_path
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert evaluator.revision() == evaluator.UNKNOWN


def test_where_git_is_missing_the_revision_is_unknown(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CODE_REVISION = ""
    monkeypatch.setenv("PATH", "")
    assert evaluator.revision() == evaluator.UNKNOWN
