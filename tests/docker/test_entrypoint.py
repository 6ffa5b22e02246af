"""The container's first program hands secrets on, and nothing else."""

import os
import subprocess
from pathlib import Path

ENTRYPOINT = Path(__file__).parents[2] / "docker" / "entrypoint"


def _run(variables: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(
        [ENTRYPOINT, *command], env=environment, capture_output=True, text=True, check=False
    )


def test_a_secrets_file_becomes_its_variable(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("with $signs 'quotes' and spaces\n")
    done = _run({"SECRET_KEY_FILE": str(secret)}, "sh", "-c", 'echo "$SECRET_KEY"; env')
    assert done.stdout.splitlines()[0] == "with $signs 'quotes' and spaces"
    assert "SECRET_KEY_FILE" not in done.stdout


def test_the_path_of_the_signing_key_stays_a_path(tmp_path: Path) -> None:
    done = _run({"SIGNING_KEY_FILE": str(tmp_path)}, "sh", "-c", 'echo "$SIGNING_KEY_FILE"')
    assert done.stdout.strip() == str(tmp_path)


def test_an_unreadable_secret_is_named_and_nothing_starts(tmp_path: Path) -> None:
    done = _run({"REDIS_URL_FILE": str(tmp_path / "absent")}, "echo", "started")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "REDIS_URL_FILE" in done.stderr


def test_the_status_is_the_programs_own() -> None:
    assert _run({}, "sh", "-c", "exit 7").returncode == 7
