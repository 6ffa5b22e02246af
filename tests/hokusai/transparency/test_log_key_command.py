import pytest
from django.core.management import CommandError, call_command

from hokusai.transparency import services
from hokusai.transparency.algorithms.notes import NoteKey, verified_text

pytestmark = pytest.mark.django_db


@pytest.mark.usefixtures("filled", "log_secret")
def test_the_key_that_is_printed_verifies_checkpoints(capsys: pytest.CaptureFixture[str]) -> None:
    services.sign_checkpoint()
    call_command("log_key")
    key = NoteKey.of_text(capsys.readouterr().out)
    last = services.latest_checkpoint()
    assert last is not None
    assert verified_text(last.note, [key])


def test_without_a_key_the_command_says_where_one_comes_from() -> None:
    with pytest.raises(CommandError, match="first checkpoint"):
        call_command("log_key")
