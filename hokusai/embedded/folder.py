"""The one folder that holds all data, secrets, logs and run files of an embedded stack."""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from hokusai.embedded.errors import AlreadyRunning, EmbeddedError

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600
LOG_LIMIT_BYTES = 20_000_000
SECRET_BYTES = 36


class DataFolder:
    """Paths and small files of one stack; every folder is 0700, every file of ours 0600."""

    def __init__(self, root: Path) -> None:
        """Create the folder and its rooms if they are missing."""
        self.root = root.absolute()
        self._lock: IO[str] | None = None
        try:
            for room in ("", "logs", "run", "run/runner", "secrets", "store", "home"):
                path = self.root / room
                path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
                path.chmod(PRIVATE_FOLDER)
        except PermissionError as error:
            raise EmbeddedError(
                f"{error.filename} belongs to another user. Start as that user, remove the folder, "
                f"or set HOKUSAI_DATA_DIR to another one."
            ) from error

    def log(self, name: str) -> Path:
        """Return the log file of a program."""
        return self.root / "logs" / f"{name}.log"

    def rotate_log(self, name: str) -> None:
        """Set a log aside once it is large; one older log is kept."""
        path = self.log(name)
        if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
            path.replace(path.with_suffix(".log.1"))

    def log_tail(self, name: str, lines: int = 25) -> str:
        """Return the last lines of a program's log, empty if there is none."""
        path = self.log(name)
        if not path.exists():
            return ""
        text = path.read_text(encoding="utf-8", errors="replace")[-20_000:]
        return "\n".join(text.splitlines()[-lines:])

    def secret(self, name: str) -> str:
        """Return a random secret, made at the first call and kept; safe inside a URL."""
        return self.secret_file(name, lambda: secrets.token_urlsafe(SECRET_BYTES)).read_text(
            "ascii"
        )

    def secret_file(self, name: str, make: Callable[[], str]) -> Path:
        """Return the path of a kept secret, written with `make` if it is missing."""
        path = self.root / "secrets" / name
        if not path.exists():
            write_private(path, make())
        return path

    def remember(self, name: str, value: Any) -> None:
        """Keep a JSON value in the run folder."""
        write_private(self.root / "run" / f"{name}.json", json.dumps(value, indent=1))

    def recall(self, name: str) -> Any:
        """Return a remembered value, None if there is none or it was cut short."""
        path = self.root / "run" / f"{name}.json"
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    def lock(self) -> None:
        """Hold the folder for this process.

        Raises:
            AlreadyRunning: another process holds it; the error names the pid.
        """
        handle = (self.root / "lock").open("a+", encoding="ascii")
        (self.root / "lock").chmod(PRIVATE_FILE)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            raise AlreadyRunning(self.root, self.holder()) from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        self._lock = handle

    def unlock(self) -> None:
        """Let the folder go."""
        if self._lock:
            self._lock.truncate(0)
            self._lock.close()
            self._lock = None

    def holder(self) -> int | None:
        """Return the pid of the process that holds the folder, None if nobody does."""
        path = self.root / "lock"
        if not path.exists():
            return None
        with path.open("r+", encoding="ascii") as handle:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return None
            text = handle.read().strip()
        return int(text) if text.isdigit() else None


def write_private(path: Path, text: str) -> None:
    """Write a 0600 file in one step: a reader sees the old content or the new."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(text)
    partial.replace(path)


def fresh_folder(path: Path) -> Path:
    """Return an empty 0700 folder; what an interrupted run left there is removed."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=PRIVATE_FOLDER, parents=True)
    return path
