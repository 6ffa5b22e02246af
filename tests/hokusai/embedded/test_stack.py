import os
import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from hokusai.embedded import roster
from hokusai.embedded import stack as module
from hokusai.embedded.errors import PortTaken, ProgramFailed
from hokusai.embedded.ports import any_free
from hokusai.embedded.processes import birth_mark
from hokusai.embedded.programs import Program
from hokusai.embedded.stack import Stack
from hokusai.embedded.supervisor import StopRequested

TRACKING = "http://tracking.example"


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Shell scripts in the place of management commands; what is not listed succeeds."""
    chosen: dict[str, str] = {}

    def manage(folder, addresses, *arguments: str, as_owner: bool = False) -> Program:
        url = addresses.owner_url if as_owner else addresses.database_url
        script = chosen.get(arguments[0], f"echo {' '.join(arguments)} as {url}")
        environment = {"PATH": os.environ["PATH"]}
        return Program(f"manage-{arguments[0]}", ("sh", "-c", script), environment)

    def supervised(folder, addresses, *, web_port: int) -> list[Program]:
        environment = {"PATH": os.environ["PATH"]}
        command = ("sh", "-c", f"echo up on {web_port}; sleep 300")
        return [Program("web", command, environment, ready_text="up")]

    monkeypatch.setattr(roster, "manage", manage)
    monkeypatch.setattr(roster, "supervised", supervised)
    return chosen


@pytest.fixture
def environ() -> dict[str, str]:
    return {
        "MLFLOW_TRACKING_URI": TRACKING,
        "HOKUSAI_WEB_PORT": str(any_free()),
        "HOKUSAI_POSTGRES_PORT": str(any_free()),
    }


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def stack(tmp_path: Path, environ, said, scripts) -> Iterator[Stack]:
    made = Stack(tmp_path / "data", environ, dotenv=tmp_path / ".env", say=said.append)
    with made:
        yield made


def test_a_start_ends_with_everything_ready_and_told(stack: Stack, said, environ) -> None:
    stack.start()
    assert [line.split()[0] for line in said] == [
        "PostgreSQL",
        "Redis",
        "Migrations",
        "Rights",
        "Web",
    ]
    assert stack.servers.postgres.port == int(environ["HOKUSAI_POSTGRES_PORT"])
    assert stack.addresses.tracking_uri == TRACKING
    assert "mlflow" not in stack.parts
    psycopg.connect(stack.addresses.database_url).close()
    migrated = stack.folder.log("manage-migrate").read_text("ascii")
    granted = stack.folder.log("manage-grant_runtime").read_text("ascii")
    assert migrated == f"migrate --no-input as {stack.addresses.owner_url}\n"
    assert granted.startswith("grant_runtime --role hokusai_app as ")
    kept = stack.folder.recall(module.RUNNING_ENVIRONMENT)
    assert kept["DATABASE_URL"] == stack.addresses.database_url


def test_the_storys_status_is_the_stacks(stack: Stack, scripts: dict[str, str]) -> None:
    stack.start()
    scripts["demo"] = "exit 3"
    assert stack.story() == 3


def test_leaving_ends_every_process_and_forgets_the_addresses(tmp_path, environ, scripts) -> None:
    with Stack(tmp_path / "d", environ, dotenv=tmp_path / ".env", say=str) as stack:
        stack.start()
        pids = [stack.servers.supervisor.pid(name) for name in ("postgres", "redis", "web")]
    assert all(pids)
    assert not any(birth_mark(pid) for pid in pids if pid)
    assert stack.folder.recall(module.RUNNING_ENVIRONMENT) is None
    assert stack.folder.holder() is None


def test_a_failed_migration_is_reported_with_its_log(stack: Stack, scripts) -> None:
    scripts["migrate"] = "echo no such table; exit 1"
    with pytest.raises(ProgramFailed, match=r"manage\.py migrate(.|\n)*no such table"):
        stack.start()


def test_a_taken_web_port_is_reported_before_anything_starts(stack: Stack, environ) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(environ["HOKUSAI_WEB_PORT"])))
        other.listen()
        with pytest.raises(PortTaken, match="HOKUSAI_WEB_PORT"):
            stack.start()
    assert stack.servers.supervisor.pid("postgres") is None


def test_a_taken_store_port_is_reported_only_if_it_was_asked_for(
    tmp_path: Path, environ: dict[str, str], scripts: dict[str, str], monkeypatch
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        monkeypatch.setattr(module, "STORE_PORT", taken)
        with Stack(tmp_path / "a", environ, dotenv=tmp_path / ".env", say=str) as moved:
            moved.start()
            assert moved.store_port != taken
            assert moved.addresses.store_url == f"http://127.0.0.1:{moved.store_port}"
        asked = {**environ, "HOKUSAI_STORE_PORT": str(taken)}
        with (
            Stack(tmp_path / "b", asked, dotenv=tmp_path / ".env", say=str) as stack,
            pytest.raises(PortTaken, match="HOKUSAI_STORE_PORT"),
        ):
            stack.start()


def test_a_request_to_stop_is_heard_while_starting(stack: Stack) -> None:
    stack.request_stop()
    with pytest.raises(StopRequested):
        stack.start()


def test_one_outside_role_needs_no_grant(tmp_path, environ, said, scripts) -> None:
    outside = {
        **environ,
        "DATABASE_URL": "postgresql://one@db.example/hokusai",
        "REDIS_URL": "redis://cache.example/0",
    }
    with Stack(tmp_path / "d", outside, dotenv=tmp_path / ".env", say=said.append) as stack:
        stack.start()
        assert stack.addresses.owner_url == outside["DATABASE_URL"]
    assert [line.split()[0] for line in said] == ["Migrations", "Web"]
