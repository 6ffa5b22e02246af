import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from hokusai.embedded.errors import AlreadyRunning, EmbeddedError
from hokusai.embedded.processes import birth_mark
from hokusai.embedded.redis_server import ONE_TRY
from hokusai.embedded.servers import EmbeddedServers
from tests.hokusai.embedded.conftest import Running, ownership


def test_redis_answers_with_its_password(running: Running) -> None:
    assert redis.Redis.from_url(running.servers.redis_url).ping()


def test_redis_refuses_without_its_password(running: Running) -> None:
    client = redis.Redis(host="127.0.0.1", port=running.servers.redis.port, retry=ONE_TRY)
    with pytest.raises(redis.AuthenticationError):
        client.ping()


def test_nothing_outside_the_folder_changes_owner_or_mode(running: Running) -> None:
    assert ownership(*running.outside) == running.before


def test_everything_in_the_folder_is_private(running: Running) -> None:
    open_to_others = [path for path in running.root.iterdir() if path.stat().st_mode & 0o077]
    assert open_to_others == []
    assert running.root.stat().st_mode & 0o777 == 0o700


def test_no_password_is_on_a_command_line(running: Running) -> None:
    listing = subprocess.run(
        ["ps", "-axww", "-o", "args="], capture_output=True, text=True, check=True
    )
    secrets = [path.read_text("ascii") for path in (running.root / "secrets").iterdir()]
    assert secrets
    assert not [secret for secret in secrets if secret in listing.stdout]


def test_a_second_start_on_the_folder_names_the_first(running: Running) -> None:
    second = EmbeddedServers(running.root, ("postgres",))
    with pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"):
        second.open()


def test_an_unknown_part_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="mongodb"):
        EmbeddedServers(tmp_path / "data", ("mongodb",))


def test_data_and_addresses_survive_every_kind_of_end(tmp_path: Path) -> None:
    """An interrupted first start, a clean end, a pid file of a dead server: data and URLs stay."""
    root = tmp_path / "data"
    half = root / "postgres.partial" / "data"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n", encoding="ascii")
    (root / "postgres" / "data").mkdir(parents=True)
    with EmbeddedServers(root, ("postgres",)) as servers:
        url = servers.owner_url
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        servers.stop("postgres")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url)
        servers.start("postgres")
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (7,)
    stranger = os.getpid()
    pid_file = root / "postgres" / "data" / "postmaster.pid"
    pid_file.write_text(f"{stranger}\n{root / 'postgres' / 'data'}\n", encoding="ascii")
    with EmbeddedServers(root, ("postgres",)) as servers:
        assert servers.owner_url == url
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


HOLD = """
import sys, time
from pathlib import Path
from hokusai.embedded.redis_server import ONE_TRY
from hokusai.embedded.servers import EmbeddedServers
with EmbeddedServers(Path(sys.argv[1]), ("postgres", "redis")) as servers:
    print(servers.supervisor.pid("postgres"), servers.supervisor.pid("redis"), flush=True)
    time.sleep(100)
"""


def test_killing_the_parent_ends_the_servers(tmp_path: Path, eventually) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "data")],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert parent.stdout is not None
    pids = [int(word) for word in parent.stdout.readline().split()]
    assert all(birth_mark(pid) for pid in pids)
    parent.kill()
    parent.wait()
    eventually(lambda: not any(birth_mark(pid) for pid in pids))
    with EmbeddedServers(tmp_path / "data", ("postgres",)) as servers:
        psycopg.connect(servers.database_url).close()


def test_mlflow_runs_on_postgres_without_telling_its_password(tmp_path: Path) -> None:
    with EmbeddedServers(tmp_path / "data", ("mlflow",)) as servers:
        pid = servers.supervisor.pid("mlflow")
        listing = subprocess.run(
            ["ps", "-axww", "-o", "args="], capture_output=True, text=True, check=True
        )
        password = servers.folder.secret("hokusai_mlflow.password")
        assert password not in listing.stdout
        with psycopg.connect(servers.postgres.url("hokusai_mlflow", "mlflow")) as connection:
            found = connection.execute("SELECT to_regclass('registered_models')").fetchone()
        assert found == ("registered_models",)
        servers.stop("mlflow")
        assert pid is not None
        assert birth_mark(pid) is None
