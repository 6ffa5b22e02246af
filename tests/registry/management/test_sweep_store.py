from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from hokusai.core.models import Event
from hokusai.storage import stores
from hokusai.storage.base import StorageUnavailable
from tests.registry.test_content import kept_long_ago

pytestmark = pytest.mark.django_db


def _run(*arguments: str) -> str:
    told = call_command("sweep_store", *arguments, stdout=StringIO())
    assert isinstance(told, str)
    return told


def test_a_dry_run_tells_and_removes_nothing() -> None:
    digest = kept_long_ago(b"of nobody")
    told = _run()
    assert "Unreferenced: 1 objects, 9 bytes" in told
    assert "Nothing was removed" in told
    assert stores["default"].get(digest) == b"of nobody"
    assert not Event.objects.filter(tag="store:swept").exists()


def test_applying_removes_and_tells() -> None:
    kept_long_ago(b"of nobody")
    assert "Removed:      1 objects, 9 bytes" in _run("--apply", "--verify")
    assert "Removed:      0 objects" in _run("--apply")


def test_what_was_stored_lately_stays() -> None:
    stores["default"].put(b"just now")
    assert "Too young:    1 objects" in _run("--apply", "--grace-hours", "2")
    with pytest.raises(CommandError, match="an hour"):
        _run("--apply", "--grace-hours", "0")


def test_a_store_that_does_not_answer_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise StorageUnavailable("The bucket does not answer.")

    monkeypatch.setattr(stores["default"], "stored", fail)
    with pytest.raises(CommandError, match="does not answer"):
        _run()
