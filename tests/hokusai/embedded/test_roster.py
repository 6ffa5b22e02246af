import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

from hokusai.embedded import roster
from hokusai.embedded.folder import DataFolder
from hokusai.embedded.ports import any_free
from hokusai.embedded.servers import EmbeddedServers
from tests.hokusai.embedded.test_environment import ADDRESSES


def test_the_runner_knows_no_secret(folder: DataFolder, monkeypatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-caller")
    programs = {p.name: p for p in roster.supervised(folder, ADDRESSES, web_port=8000)}
    known = programs["runner"].environment
    private = {"AWS_SECRET_ACCESS_KEY", "SECRET_KEY", "API_KEY_PEPPER", "DATABASE_URL", "REDIS_URL"}
    assert private & set(known) == set()
    assert private <= set(programs["web"].environment)


def test_the_store_process_answers_where_links_lead(folder: DataFolder) -> None:
    programs = {p.name: p for p in roster.supervised(folder, ADDRESSES, web_port=8000)}
    assert "--port=8001" in programs["store"].command
    assert programs["web"].environment["STORE_URL"] == "http://127.0.0.1:8001"
    runner = next(word for word in programs["runner"].command if word.startswith("--store="))
    assert runner == f"--store={programs['store'].environment['STORE_ROOT']}"
    without = replace(ADDRESSES, store_url="")
    assert "store" not in {p.name for p in roster.supervised(folder, without, web_port=8000)}


def test_the_store_process_starts_and_gives_out_nothing_unsigned(tmp_path: Path) -> None:
    addresses = replace(ADDRESSES, store_url=f"http://127.0.0.1:{any_free()}")
    servers = EmbeddedServers(tmp_path / "data", ())
    servers.open()
    try:
        servers.supervisor.start(roster.store(servers.folder, addresses))
        servers.supervisor.wait_ready("store")
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(f"{addresses.store_url}/blobs/{'0' * 64}", timeout=10)
    finally:
        servers.close()


def test_exactly_one_process_knows_the_signing_key(folder: DataFolder) -> None:
    programs = roster.supervised(folder, ADDRESSES, web_port=8000)
    knowing = [p.name for p in programs if "SIGNING_KEY_FILE" in p.environment]
    assert knowing == ["signer"]


def test_only_the_signer_listens_to_the_signing_queue(folder: DataFolder) -> None:
    programs = {p.name: p for p in roster.supervised(folder, ADDRESSES, web_port=8000)}
    assert "--queues=signing" in programs["signer"].command
    assert "--concurrency=1" in programs["signer"].command
    assert "--queues=default" in programs["worker"].command


def test_no_address_with_a_password_is_on_a_command_line(folder: DataFolder) -> None:
    words = [
        word for p in roster.supervised(folder, ADDRESSES, web_port=8000) for word in p.command
    ]
    assert not [word for word in words if ADDRESSES.database_url in word or "redis://" in word]


def test_commands_run_as_the_runtime_role_unless_asked(folder: DataFolder) -> None:
    assert roster.manage(folder, ADDRESSES, "demo").environment["DATABASE_URL"] == (
        ADDRESSES.database_url
    )
    migrate = roster.manage(folder, ADDRESSES, "migrate", as_owner=True)
    assert migrate.environment["DATABASE_URL"] == ADDRESSES.owner_url


def test_a_socket_without_a_server_does_not_accept(tmp_path: Path) -> None:
    assert not roster.accepts_unix(tmp_path / "absent.sock")


def test_the_runner_is_told_what_may_train(folder: DataFolder, monkeypatch) -> None:
    monkeypatch.setenv("TRAINING_RECIPES", "mine=package.module.Recipe")
    command = roster.runner(folder).command
    assert "--recipes=mine=package.module.Recipe" in command
