"""What can go wrong while servers and processes are started."""

from pathlib import Path


class EmbeddedError(Exception):
    """Something on this machine keeps the stack from running; the message says what to do."""


class AlreadyRunning(EmbeddedError):
    """Another process holds the data folder."""

    def __init__(self, folder: Path, pid: int | None) -> None:
        """Name the folder and, where it is known, the process that holds it."""
        self.pid = pid
        holder = f"process {pid}" if pid else "another process"
        super().__init__(f"Hokusai already runs in {folder} ({holder}).")


class PortTaken(EmbeddedError):
    """A port with a fixed number belongs to somebody else."""

    def __init__(self, *, port: int, holder: str, variable: str) -> None:
        """Name the port, its holder (may be empty) and the variable that moves ours."""
        self.port = port
        by = f" by {holder}" if holder else ""
        super().__init__(f"Port {port} is taken{by}. Set {variable} to a free port and try again.")


class ProgramFailed(EmbeddedError):
    """A server or process did not start, or kept dying."""

    def __init__(self, name: str, reason: str, log_tail: str) -> None:
        """Keep the name and show the end of the program's log."""
        self.name = name
        tail = f"\nThe end of its log:\n{log_tail}" if log_tail else ""
        super().__init__(f"{name} {reason}.{tail}")
