from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from hokusai.core.errors import OutsideError, OutsideUnavailable


class HubUnavailable(OutsideUnavailable):
    """The hub did not answer; the same call may work later."""

    code = "hub_unavailable"


class HubRefused(OutsideError):
    """The hub has no such repository, commit or file, or keeps it closed."""

    code = "hub_refused"


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a repository at a commit; `sha256` is empty where the hub states none."""

    path: str
    size_bytes: int
    sha256: str


class ModelHub(ABC):
    """A public place of model repositories. No call retries by itself.

    Raises HubUnavailable when the same call may work later, else HubRefused.
    Every implementation passes tests/registry/providers/test_contract.py.
    """

    @abstractmethod
    def files(self, repository: str, revision: str) -> list[HubFile]:
        """The files of a repository at a commit (40 hexadecimal digits)."""

    @abstractmethod
    def download(self, repository: str, revision: str, path: str, target: Path) -> None:
        """Write one file; what an interrupted call left behind is continued or written anew."""
