"""Which keeper of a key is taken where several are named."""

import pytest

from hokusai.settings.signers import _keeper
from tests.hokusai.signers.keys import FILE

PLACES = "hokusai.signers.backends"


@pytest.mark.parametrize(
    ("file", "pem", "kms_key", "backend"),
    [
        ("/run/secrets/log_key", "", "", FILE),
        ("/run/secrets/log_key", "-----BEGIN…", "", f"{PLACES}.pem.EnvironmentKey"),
        ("/run/secrets/log_key", "-----BEGIN…", "alias/log", f"{PLACES}.kms.KmsKey"),
    ],
)
def test_a_key_service_wins_over_a_variable_and_a_variable_over_a_file(
    file: str, pem: str, kms_key: str, backend: str
) -> None:
    assert _keeper(file, "LOG_KEY_PEM", pem, kms_key)["BACKEND"] == backend


def test_a_process_that_is_told_of_no_key_has_none() -> None:
    assert _keeper("", "LOG_KEY_PEM", "", "") == {}


def test_the_settings_never_hold_the_key_itself() -> None:
    assert "BEGIN" not in str(_keeper("", "LOG_KEY_PEM", "-----BEGIN…", ""))
