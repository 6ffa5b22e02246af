"""One running pair of servers for all tests that only look at it."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hokusai.embedded.folder import DataFolder
from hokusai.embedded.servers import EmbeddedServers

Fact = tuple[int, int, int]


def ownership(*paths: Path) -> dict[str, Fact]:
    """Return mode, owner and group of each path."""
    facts = {}
    for path in paths:
        stat = path.stat()
        facts[str(path)] = (stat.st_mode, stat.st_uid, stat.st_gid)
    return facts


@dataclass
class Running:
    """Servers, and what the world around their folder looked like before they started."""

    servers: EmbeddedServers
    root: Path
    outside: list[Path]
    before: dict[str, Fact] = field(default_factory=dict)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """PostgreSQL and Redis on a folder whose parents are closed to others."""
    base = tmp_path_factory.mktemp("outer")
    neighbour = base / "neighbour"
    neighbour.write_text("not ours", encoding="ascii")
    neighbour.chmod(0o640)
    base.chmod(0o700)
    accounts = [Path("/etc/passwd"), Path("/etc/group")]
    outside = [base, neighbour, *base.parents, *(path for path in accounts if path.exists())]
    before = ownership(*outside)
    with EmbeddedServers(base / "data", ("postgres", "redis")) as servers:
        yield Running(servers, base / "data", outside, before)


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    """A data folder of its own, nothing started."""
    return DataFolder(tmp_path / "data")


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Wait for a condition that another process brings about; fail after 20 s."""

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come true"
            time.sleep(0.02)

    return wait


@pytest.fixture
def as_root() -> None:
    """Skip where only root meets the rule."""
    if os.geteuid() != 0:
        pytest.skip("only root changes owners")


@pytest.fixture(autouse=True)
def _fresh_twins() -> None:
    """Leave the platform's twins and cache alone: these tests know no app."""
