"""compose.yml holds to the Compose Specification, and to what each process may know."""

import hashlib
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from hokusai.embedded import postgres, roster
from hokusai.embedded.environment import Addresses
from hokusai.embedded.folder import DataFolder

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SCHEMA = Path(__file__).parent / "compose-spec.schema.json"
OURS = {name for name, service in SERVICES.items() if "HOKUSAI_IMAGE" in service["image"]}
ONE_SHOT = {"migrate", "bucket"}
# It has nothing that could be asked; its end is the container's end.
WITHOUT_A_QUESTION = {"beat"}
# Where the embedded run and the containers must differ.
PLACES = ("--host=", "--port=", "--socket=", "--store=", "--recipes=", "--allow-tier-c")
SAME_AS_EMBEDDED = ("web", "store", "worker", "signer", "beat", "runner")


def test_the_vendored_schema_is_the_published_one() -> None:
    noted = (Path(__file__).parent / "compose-spec.README.md").read_text(encoding="utf-8")
    assert hashlib.sha256(SCHEMA.read_bytes()).hexdigest() in noted


def test_the_file_holds_to_the_specification() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    errors = jsonschema.Draft202012Validator(schema).iter_errors(COMPOSE)
    assert [f"{list(error.path)}: {error.message}" for error in errors] == []


def test_the_schema_would_refuse_a_misspelt_key() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    wrong = {"services": {"web": {"image": "x", "volumess": []}}}
    assert not jsonschema.Draft202012Validator(schema).is_valid(wrong)


@pytest.mark.parametrize("name", SERVICES)
def test_whatever_a_service_names_is_declared(name: str) -> None:
    service = SERVICES[name]
    assert set(service.get("secrets", [])) <= COMPOSE["secrets"].keys()
    assert set(service.get("networks", [])) <= COMPOSE["networks"].keys()
    assert set(service.get("depends_on", {})) <= SERVICES.keys()
    for mount in service.get("volumes", []):
        source = mount.split(":")[0]
        if source.startswith("."):
            assert (FOLDER / source).is_file()
        elif not source.startswith("/"):
            assert source in COMPOSE["volumes"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_secret_that_is_read_is_mounted(name: str) -> None:
    text = json.dumps(SERVICES[name])
    assert set(re.findall(r"/run/secrets/(\w+)", text)) <= set(SERVICES[name].get("secrets", []))


def test_every_secret_is_made_by_the_script(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, FOLDER / "make_secrets.py", tmp_path / "secrets"], check=False
    )
    assert done.returncode == 0
    made = {path.name for path in (tmp_path / "secrets").iterdir()}
    assert made == {Path(secret["file"]).name for secret in COMPOSE["secrets"].values()}


def test_no_environment_holds_a_secret() -> None:
    for service in SERVICES.values():
        for variable, value in service.get("environment", {}).items():
            if re.search(
                r"SECRET|PASSWORD|PEPPER|TOKEN|DATABASE_URL|REDIS_URL|STORE_URI", variable
            ):
                assert variable.endswith("_FILE")
                assert str(value).startswith("/run/secrets/")


@pytest.mark.parametrize("key", ["signing_key", "log_key", "chain_key"])
def test_only_the_signer_has_the_private_keys(key: str) -> None:
    variable = f"{key.upper()}_FILE"
    holders = {name for name, s in SERVICES.items() if key in s.get("secrets", [])}
    named = {name for name, s in SERVICES.items() if variable in s.get("environment", {})}
    assert holders == named == {"signer"}
    assert SERVICES["signer"]["environment"][variable] == f"/run/secrets/{key}"


def test_only_the_signer_has_the_private_key_for_models() -> None:
    holders = {n for n, s in SERVICES.items() if "model_signing_key" in s.get("secrets", [])}
    name = "MODEL_SIGNING_KEY_FILE"
    named = {n for n, s in SERVICES.items() if name in s.get("environment", {})}
    assert holders == named == {"signer"}


def test_only_migrations_have_the_owners_role() -> None:
    holders = {n for n, s in SERVICES.items() if "database_owner_url" in s.get("secrets", [])}
    assert holders == {"migrate"}


def test_long_running_services_start_again_and_are_watched() -> None:
    for name in SERVICES.keys() - ONE_SHOT:
        assert SERVICES[name]["restart"] == "unless-stopped"
        assert ("healthcheck" in SERVICES[name]) is (name not in WITHOUT_A_QUESTION), name
    assert {SERVICES[name]["restart"] for name in ONE_SHOT} == {"no"}


def test_our_containers_have_no_rights_to_give_up() -> None:
    for name in OURS:
        service = SERVICES[name]
        assert service["cap_drop"] == ["ALL"], name
        assert service["read_only"] is True, name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert not {"user", "privileged", "cap_add"} & service.keys(), name


def test_the_runner_knows_nothing_and_reaches_nobody() -> None:
    runner = SERVICES["runner"]
    assert runner["network_mode"] == "none"
    assert not {"environment", "secrets", "networks", "ports", "env_file"} & runner.keys()
    assert "--allow-tier-c" not in runner["command"]
    assert "store:/var/lib/hokusai/store:ro" in runner["volumes"]
    assert "seccomp=./runner-seccomp.json" in runner["security_opt"]


def test_the_store_process_knows_the_secret_of_links_alone() -> None:
    store = SERVICES["store"]
    assert store["secrets"] == ["store_url_secret"]
    assert store["networks"] == ["outside"]
    assert {"STORE_ROOT", "STORE_URL_SECRET_FILE", "STORE_ORIGINS"} == store["environment"].keys()
    holders = {name for name, s in SERVICES.items() if "store_url_secret" in s.get("secrets", [])}
    assert holders == {"web", "worker", "store"}


@pytest.mark.parametrize("name", ["web", "worker"])
def test_web_and_worker_write_the_store_and_reach_the_runner(name: str) -> None:
    environment = SERVICES[name]["environment"]
    mounts = dict(mount.split(":") for mount in SERVICES[name]["volumes"] if ":" in mount)
    assert mounts["store"] == environment["CONTENT_STORE_ROOT"]
    assert mounts["runner"] == str(Path(environment["RUNNER_SOCKET"]).parent)


def test_ports_are_open_on_loopback_only() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_servers_are_on_a_network_without_a_way_out() -> None:
    assert COMPOSE["networks"]["inside"]["internal"] is True
    for name in ("postgres", "redis", "minio"):
        assert SERVICES[name]["networks"] == ["inside"]


def test_everything_that_uses_tables_waits_for_the_migrations() -> None:
    for name in ("web", "worker", "signer", "beat"):
        condition = SERVICES[name]["depends_on"]["migrate"]["condition"]
        assert condition == "service_completed_successfully"


@pytest.mark.parametrize("name", SAME_AS_EMBEDDED)
def test_a_process_runs_as_it_does_on_one_machine(name: str, tmp_path: Path) -> None:
    programs = {program.name: program for program in _embedded(tmp_path)}
    embedded = [part for part in programs[name].command[2:] if not part.startswith(PLACES)]
    command = [part for part in SERVICES[name]["command"] if not part.startswith(PLACES)]
    assert (command[2:] if command[0] == "python" else command) == embedded


@pytest.mark.parametrize("name", sorted(OURS))
def test_the_programs_of_a_service_exist_and_know_its_options(name: str) -> None:
    command = SERVICES[name]["command"]
    known = "".join(_help(tuple(program)) for program in _programs(command))
    options = set(re.findall(r"(?<!\S)--[a-z-]+", " ".join(command)))
    assert sorted(option for option in options if option not in known) == []


def test_roles_are_those_of_the_embedded_run() -> None:
    script = (FOLDER / "postgres" / "10-roles.sql").read_text(encoding="utf-8")
    made = set(re.findall(r"CREATE ROLE (\w+)", script))
    assert made == {postgres.OWNER, postgres.APP, postgres.TRACKING}
    assert f"--role {postgres.APP}" in SERVICES["migrate"]["command"][-1]
    assert "SUPERUSER" not in script.replace("NOSUPERUSER", "")


def _embedded(tmp_path: Path) -> list[Any]:
    addresses = Addresses(
        database_url="postgresql://a@127.0.0.1:1/a",
        owner_url="postgresql://o@127.0.0.1:1/a",
        redis_url="redis://127.0.0.1:1/0",
        tracking_uri="http://127.0.0.1:1",
        base_url="http://127.0.0.1:1",
        store_url="http://127.0.0.1:1",
    )
    return roster.supervised(DataFolder(tmp_path / "d"), addresses, web_port=1)


def _programs(command: list[str]) -> list[list[str]]:
    """The Python programs of a command and their subcommands, without options."""
    if command[0] == "sh":
        return [part.split()[1:3] for part in command[-1].split(" && ")]
    if command[0] == "python":
        return [command[1:3]]
    subcommands = [part for part in command[1:] if re.fullmatch(r"[a-z]+", part)]
    return [["-m", command[0]], *([["-m", command[0], *subcommands]] if subcommands else [])]


@cache
def _help(program: tuple[str, ...]) -> str:
    done = subprocess.run(
        [sys.executable, *program, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": "/tmp"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
