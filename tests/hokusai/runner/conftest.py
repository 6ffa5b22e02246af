"""A real runner on temporary folders, and models in its store."""

import hashlib
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import rfc8785

from hokusai.runner.client import RunnerClient
from hokusai.runner.errors import RunnerUnavailable
from tests.hokusai.runner import artifacts
from tests.programs import python

ROOT = Path(__file__).parents[3]
START_TIMEOUT_S = 60


@dataclass(frozen=True)
class Store:
    """A content store on disk, as the runner reads it."""

    root: Path

    def put(self, files: dict[str, bytes]) -> str:
        """Store a tree and return its digest."""
        entries = [
            {"path": path, "sha256": hashlib.sha256(raw).hexdigest(), "size": len(raw)}
            for path, raw in sorted(files.items(), key=lambda item: item[0].encode())
        ]
        manifest = rfc8785.dumps({"files": entries})
        digest = hashlib.sha256(manifest).hexdigest()
        tree = self.root / "trees" / digest
        for path, raw in files.items():
            target = tree / "files" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(raw)
        (tree / "manifest.json").write_bytes(manifest)
        return digest


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="session")
def client(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunnerClient]:
    with running(tmp_path_factory.mktemp("runner"), store) as (client, _):
        yield client


@contextmanager
def running(
    folder: Path, store: Store, *options: str
) -> Iterator[tuple[RunnerClient, subprocess.Popen[bytes]]]:
    """A runner of its own in `folder`."""
    folder.chmod(0o700)
    path = folder / "r.sock"
    command = python("-m", "hokusai.runner", "--socket", str(path))
    process = subprocess.Popen(
        [*command, "--store", str(store.root), "--allow-tier-c", *options], cwd=ROOT
    )
    client = RunnerClient(str(path), timeout_s=60)
    try:
        _wait(client, process)
        yield client, process
    finally:
        process.terminate()
        process.wait(60)


def _wait(client: RunnerClient, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end and process.poll() is None:
        try:
            client.health()
        except RunnerUnavailable:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the runner did not start")


@pytest.fixture
def isolated(client: RunnerClient) -> RunnerClient:
    """The client, where the machine isolates well enough for code of strangers."""
    health = client.health()
    if health.tier == "C":
        pytest.skip(f"NOT TESTED: this machine offers no isolation: {health.warnings}")
    return client


@pytest.fixture
def code_model(store: Store) -> Callable[[str], str]:
    """Stores a model whose code is given, and returns its digest."""
    return lambda source: store.put(artifacts.code_model(source))


@pytest.fixture(scope="session")
def skops_digest(store: Store) -> str:
    return store.put(artifacts.skops_classifier())


@pytest.fixture(scope="session")
def onnx_digest(store: Store) -> str:
    return store.put(artifacts.onnx_classifier(zipmap=False))
