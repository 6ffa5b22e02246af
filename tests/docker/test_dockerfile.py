"""The image: an ordinary user, hashed packages, no secret, nothing that it does not need."""

import fnmatch
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINES = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
INSTRUCTIONS = [
    re.sub(r"\s+", " ", line) for line in LINES.splitlines() if re.match(r"[A-Z]+\s", line)
]
FINAL = INSTRUCTIONS[max(i for i, line in enumerate(INSTRUCTIONS) if line.startswith("FROM")) :]
IGNORED = [
    line
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def test_the_image_runs_as_an_ordinary_user_by_number() -> None:
    users = [line.split()[1] for line in FINAL if line.startswith("USER")]
    assert users == ["10001:10001"]
    after = FINAL[FINAL.index(f"USER {users[0]}") + 1 :]
    assert all(line.startswith(("ENTRYPOINT", "CMD")) for line in after)


def test_every_package_is_installed_by_its_hash() -> None:
    installs = [line for line in INSTRUCTIONS if "pip install" in line]
    assert installs
    assert all("--require-hashes" in line for line in installs)
    lock = (ROOT / "requirements" / "production.txt").read_text(encoding="utf-8")
    requirements = re.findall(
        r"^[a-z0-9][^\n]*==[^\n]*(?:\n    --hash=[^\n]*)+", lock, re.MULTILINE
    )
    assert len(requirements) == len(re.findall(r"^[a-z0-9]", lock, re.MULTILINE))


def test_nothing_for_development_is_installed() -> None:
    assert not [line for line in INSTRUCTIONS if "dev.txt" in line or "apt-get" in line]


def test_no_secret_is_left_in_the_image() -> None:
    kept = [line for line in INSTRUCTIONS if line.startswith(("ENV", "ARG"))]
    assert not [line for line in kept if re.search(r"SECRET|PASSWORD|PEPPER|TOKEN|_URL|KEY", line)]
    assert not [line for line in FINAL if "SECRET_KEY" in line]


def test_only_whole_names_are_copied_and_all_exist() -> None:
    for line in INSTRUCTIONS:
        if line.startswith("COPY") and "--from" not in line:
            for source in line.split()[1:-1]:
                assert source not in {".", "./"}
                assert (ROOT / source).exists(), source


def test_whatever_is_copied_reaches_the_build() -> None:
    assert IGNORED[0] == "*"
    admitted = {line.removeprefix("!") for line in IGNORED if line.startswith("!")}
    for line in INSTRUCTIONS:
        if line.startswith("COPY") and "--from" not in line:
            assert set(line.split()[1:-1]) <= admitted


def test_secrets_and_data_never_reach_the_build() -> None:
    admitted = {line.removeprefix("!") for line in IGNORED if line.startswith("!")}
    for private in (".env", ".hokusai", ".git", "docker/secrets", "docker/.env", "tests"):
        assert not [name for name in admitted if fnmatch.fnmatch(private, name)]


def test_the_base_image_has_the_python_of_the_lock() -> None:
    (base,) = [line for line in INSTRUCTIONS if line.startswith("ARG PYTHON")]
    assert base == "ARG PYTHON=python:3.11-slim-bookworm"
    assert all("${PYTHON}" in line for line in INSTRUCTIONS if line.startswith("FROM"))


def test_folders_of_volumes_belong_to_that_user() -> None:
    made = " ".join(FINAL)
    assert "-o hokusai -g hokusai -m 0700 /run/hokusai" in made
    assert "-o hokusai -g hokusai -m 0755 /var/lib/hokusai/store" in made


def test_programs_find_the_project_wherever_they_start() -> None:
    assert any(line.startswith("ENV") and "PYTHONPATH=/app " in line for line in FINAL)
    assert "WORKDIR /app" in FINAL
