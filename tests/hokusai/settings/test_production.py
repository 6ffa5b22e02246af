"""Production settings guess nothing: what is missing is named, all of it at once, at start."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
COMPLETE = {
    "SECRET_KEY": "only-for-this-test-0123456789-abcdefghijklmnopqrstuvwxyz",
    "API_KEY_PEPPER": "only-for-this-test",
    "DATABASE_URL": "postgresql://check:check@127.0.0.1:1/check",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "MLFLOW_TRACKING_URI": "http://127.0.0.1:1",
    "ALLOWED_HOSTS": "hokusai.example",
    "HOKUSAI_BASE_URL": "https://hokusai.example",
    "HOKUSAI_INSTANCE": "hokusai.example",
    "CONTENT_STORE_ROOT": "/var/lib/hokusai/store",
    "RUNNER_SOCKET": "/run/hokusai/runner.sock",
}
NAMES_MISSING = "Set these in the environment: "


def _start(variables: Mapping[str, str], code: str = "") -> subprocess.CompletedProcess[str]:
    """Load the settings in a process of its own; a `.env` beside the code must not help."""
    program = (
        "import environ; environ.Env.read_env = classmethod(lambda *a, **k: None)\n"
        f"import hokusai.settings.production as settings\n{code}"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def _missing(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("django.core.exceptions.ImproperlyConfigured")
    return last.partition(NAMES_MISSING)[2].rstrip(".").split(", ")


def test_complete_settings_start() -> None:
    done = _start(COMPLETE)
    assert done.returncode == 0, done.stderr


def test_everything_that_is_missing_is_named_at_once() -> None:
    assert _missing(_start({})) == list(COMPLETE)


@pytest.mark.parametrize("name", COMPLETE)
@pytest.mark.parametrize("value", [None, ""])
def test_each_missing_or_empty_value_stops_the_start(name: str, value: str | None) -> None:
    given = {key: text for key, text in COMPLETE.items() if key != name}
    if value is not None:
        given[name] = value
    assert _missing(_start(given)) == [name]


def test_a_missing_secret_is_named_without_showing_the_others() -> None:
    given = {key: text for key, text in COMPLETE.items() if key != "REDIS_URL"}
    done = _start(given)
    assert COMPLETE["SECRET_KEY"] not in done.stderr + done.stdout


def test_cookies_and_pages_need_tls_unless_said_otherwise() -> None:
    code = (
        "assert settings.SECURE_SSL_REDIRECT and settings.SESSION_COOKIE_SECURE\n"
        "assert settings.CSRF_COOKIE_SECURE and settings.SECURE_HSTS_SECONDS > 0\n"
        "assert not settings.DEBUG and settings.ENVIRONMENT_NAME == 'production'"
    )
    done = _start(COMPLETE, code)
    assert done.returncode == 0, done.stderr


def test_only_the_process_that_is_told_knows_the_signing_key() -> None:
    assert _start(COMPLETE, "assert settings.SIGNING_KEY_FILE == ''").returncode == 0
    given = {**COMPLETE, "SIGNING_KEY_FILE": "/run/secrets/signing_key"}
    code = "assert settings.SIGNING_KEY_FILE == '/run/secrets/signing_key'"
    assert _start(given, code).returncode == 0
