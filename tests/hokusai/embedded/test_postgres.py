import os
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from hokusai.embedded import postgres
from hokusai.embedded.errors import EmbeddedError
from hokusai.embedded.servers import EmbeddedServers
from tests.hokusai.embedded.conftest import Running

RIGHTS = "SELECT rolsuper, rolcreaterole, rolreplication, rolbypassrls, rolcreatedb"


def rights(url: str) -> tuple[bool, ...]:
    with psycopg.connect(url) as connection:
        row = connection.execute(f"{RIGHTS} FROM pg_roles WHERE rolname = current_user").fetchone()
    assert row is not None
    return tuple(row)


def test_the_runtime_role_has_no_right_of_its_own(running: Running) -> None:
    assert rights(running.servers.database_url) == (False, False, False, False, False)


def test_the_owner_may_create_databases_and_nothing_more(running: Running) -> None:
    assert rights(running.servers.owner_url) == (False, False, False, False, True)


def test_the_owner_owns_the_database(running: Running) -> None:
    with psycopg.connect(running.servers.owner_url) as connection:
        connection.execute("CREATE TABLE owned (n int)")
        connection.execute("DROP TABLE owned")


def test_the_owner_may_clone_a_database_of_its_own(running: Running) -> None:
    with psycopg.connect(running.servers.owner_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE original")
        connection.execute("CREATE DATABASE clone TEMPLATE original")
        connection.execute("DROP DATABASE clone")
        connection.execute("DROP DATABASE original")


def test_the_runtime_role_may_not_create_tables(running: Running) -> None:
    with (
        psycopg.connect(running.servers.database_url) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("CREATE TABLE forbidden (n int)")


def test_a_wrong_password_is_refused(running: Running) -> None:
    password = urlsplit(running.servers.database_url).password or ""
    url = running.servers.database_url.replace(password, "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url)


def test_the_superuser_needs_a_password_too(running: Running) -> None:
    port = running.servers.postgres.port
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres")


@pytest.mark.parametrize("role", [postgres.APP, postgres.OWNER])
def test_the_trackers_database_is_closed_to_our_roles(running: Running, role: str) -> None:
    url = running.servers.postgres.url(role, "mlflow")
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(url)


def test_there_is_no_unix_socket(running: Running) -> None:
    with psycopg.connect(running.servers.postgres._superuser_conninfo()) as connection:
        row = connection.execute("SHOW unix_socket_directories").fetchone()
    assert row == ("",)


def test_durability_is_given_up_only_when_asked(running: Running, tmp_path: Path) -> None:
    with psycopg.connect(running.servers.database_url) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("off",)
    durable = EmbeddedServers(tmp_path / "durable", ("postgres",), durable=True)
    assert "fsync=off" not in durable.postgres.program().command


def test_text_is_unicode(running: Running) -> None:
    with psycopg.connect(running.servers.database_url) as connection:
        assert connection.execute("SELECT upper('où')").fetchone() == ("OÙ",)


@pytest.mark.usefixtures("as_root")
def test_root_without_namespaces_uses_another_uid(monkeypatch: pytest.MonkeyPatch) -> None:
    works = postgres._works
    monkeypatch.setattr(postgres, "_works", lambda prefix: prefix[0] == "setpriv" and works(prefix))
    postgres.ordinary_account.cache_clear()
    try:
        assert postgres.ordinary_account()[0] == "setpriv"
    finally:
        postgres.ordinary_account.cache_clear()


@pytest.mark.usefixtures("as_root")
def test_root_without_any_way_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_works", lambda prefix: False)
    postgres.ordinary_account.cache_clear()
    try:
        with pytest.raises(EmbeddedError, match="DATABASE_URL"):
            postgres.ordinary_account()
    finally:
        postgres.ordinary_account.cache_clear()


def test_an_ordinary_user_needs_no_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    postgres.ordinary_account.cache_clear()
    try:
        assert postgres.ordinary_account() == ()
    finally:
        postgres.ordinary_account.cache_clear()
