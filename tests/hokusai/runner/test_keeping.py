"""What is served stays served: after an end, a crash, a replacement, and after the runner's end."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from hokusai.runner import memory
from hokusai.runner.client import ChildStats, RunnerClient
from hokusai.runner.errors import (
    ArtifactMismatch,
    ModelCrashed,
    RunnerError,
    RunnerUnavailable,
)
from hokusai.runner.outputs import Outputs
from tests.hokusai.runner import artifacts
from tests.hokusai.runner.artifacts import ROW
from tests.hokusai.runner.conftest import Store, running

CodeModel = Callable[[str], str]
WAIT_S = 60.0
# Ends by itself where a > 0, sleeps where b > 0.
FRAGILE = """
    import os, time
    def predict(frame):
        if frame.a[0] > 0:
            os._exit(3)
        if frame.b[0] > 0:
            time.sleep(20)
        return [0.5]
"""
WELL, CRASHES, SLEEPS = ROW | {"a": -1.0}, ROW, ROW | {"a": -1.0, "b": 1.0}


def stats(client: RunnerClient, key: str) -> ChildStats:
    """The line of one key."""
    return next(one for one in client.stats() if one.key == key)


def wait_for(client: RunnerClient, key: str, done: Callable[[ChildStats], bool]) -> ChildStats:
    """The line of one key, once it is as wanted."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        if done(found := stats(client, key)):
            return found
        time.sleep(0.02)
    raise AssertionError(f"{key} stayed {found}")


def insist(client: RunnerClient, path: str, row: dict[str, float] = ROW) -> Outputs:
    """An answer, after as many refusals as it takes; each says when to come back."""
    end = time.monotonic() + WAIT_S
    while True:
        try:
            return client.predict(path, rows=[row], deadline_s=5)
        except RunnerUnavailable as error:
            if time.monotonic() > end:
                raise
            wait_s = error.context["retry_after_s"]
            assert isinstance(wait_s, float)
            time.sleep(wait_s)


def gone(pids: list[int]) -> bool:
    """Whether all of `pids` ended within 5 s."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        if not any(memory.resident_bytes(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


def parent_of(pid: int) -> int:
    """The process that started `pid`."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[1])


@pytest.fixture
def kept(client: RunnerClient) -> Iterator[Callable[..., str]]:
    """Serves as `RunnerClient.serve` does, and stops in the end."""
    with ExitStack() as served:

        def serve(key: str, digest: str, **options: object) -> str:
            served.callback(client.kill, key=key)
            return client.serve(project="p", key=key, tree_digest=digest, **options)

        yield serve


def test_an_idle_child_ends_and_the_next_request_finds_another(
    client: RunnerClient, kept: Callable[..., str], skops_digest: str
) -> None:
    path = kept("rests", skops_digest, idle_s=0.1)
    first = stats(client, "rests")
    client.predict(path, rows=[ROW, ROW])
    rested = wait_for(client, "rests", lambda found: found.state == "idle")
    assert (rested.pid, rested.memory_bytes, rested.requests, rested.rows) == (0, 0, 1, 2)
    insist(client, path)
    again = stats(client, "rests")
    assert again.requests == 2
    assert again.restarts == 0
    assert again.pid != first.pid
    assert again.p50_ms is not None


def test_a_child_without_an_idle_time_stays(
    client: RunnerClient, kept: Callable[..., str], skops_digest: str
) -> None:
    kept("stays", skops_digest)
    kept("rests", skops_digest, idle_s=0.1)
    wait_for(client, "rests", lambda found: found.state == "idle")
    assert stats(client, "stays").state == "running"


def test_serving_again_leaves_an_idle_child_away(
    client: RunnerClient, kept: Callable[..., str], skops_digest: str
) -> None:
    path = kept("rests", skops_digest, idle_s=0.1)
    wait_for(client, "rests", lambda found: found.state == "idle")
    assert kept("rests", skops_digest, idle_s=0.2) == path
    assert stats(client, "rests").state == "idle"


def test_a_child_killed_between_requests_is_not_missed(
    client: RunnerClient, kept: Callable[..., str], skops_digest: str
) -> None:
    path = kept("killed", skops_digest)
    client.predict(path, rows=[ROW])
    os.kill(stats(client, "killed").pid, signal.SIGKILL)
    assert insist(client, path).task == "classification"
    found = stats(client, "killed")
    assert (found.restarts, found.requests) == (1, 2)
    assert "SIGKILL" in found.last_error


def test_a_child_killed_during_a_request_is_a_crash_for_that_caller_alone(
    isolated: RunnerClient, kept: Callable[..., str], code_model: CodeModel
) -> None:
    path = kept("killed", code_model(FRAGILE))
    heard: list[RunnerError] = []

    def call() -> None:
        try:
            isolated.predict(path, rows=[SLEEPS], deadline_s=20)
        except RunnerError as error:
            heard.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    busy = wait_for(isolated, "killed", lambda found: found.busy)
    os.kill(busy.pid, signal.SIGKILL)
    thread.join(WAIT_S)
    assert isinstance(heard[0], ModelCrashed)
    assert insist(isolated, path, WELL).predictions() == [0.5]


def test_a_version_that_crashes_again_and_again_is_left_alone_and_recovers(
    isolated: RunnerClient, kept: Callable[..., str], code_model: CodeModel
) -> None:
    path = kept("crashes", code_model(FRAGILE))
    for _ in range(3):
        with pytest.raises(ModelCrashed, match="status 3"):
            insist(isolated, path, CRASHES)
    assert stats(isolated, "crashes").state == "backing_off"
    with pytest.raises(RunnerUnavailable) as refused:
        isolated.predict(path, rows=[WELL], deadline_s=5)
    assert refused.value.context["cause"] == "model_crashed"
    wait_s = refused.value.context["retry_after_s"]
    assert isinstance(wait_s, float)
    assert 0 < wait_s <= 0.4
    time.sleep(wait_s)
    assert insist(isolated, path, WELL).predictions() == [0.5]
    assert stats(isolated, "crashes").restarts == 3
    assert isolated.health().restarts >= 3


def test_no_request_is_lost_while_a_child_is_replaced(
    client: RunnerClient, kept: Callable[..., str], skops_digest: str, store: Store
) -> None:
    other = store.put(artifacts.skops_regressor())
    path = kept("replaced", skops_digest)
    heard: list[str] = []
    done = threading.Event()

    def call(keeps_its_connection: bool) -> None:
        mine = RunnerClient(client.socket_path)
        while not done.is_set():
            mine = mine if keeps_its_connection else RunnerClient(client.socket_path)
            heard.append(mine.predict(path, rows=[ROW], deadline_s=10).task)

    threads = [threading.Thread(target=call, args=(keeps,)) for keeps in (True, False)]
    for thread in threads:
        thread.start()
    for digest in (other, skops_digest) * 2:
        assert kept("replaced", digest) == path
        expected = "regression" if digest == other else "classification"
        assert client.predict(path, rows=[ROW], deadline_s=5).task == expected
    assert all(thread.is_alive() for thread in threads)
    done.set()
    for thread in threads:
        thread.join(WAIT_S)
    assert set(heard) == {"regression", "classification"}


def test_what_cannot_be_loaded_replaces_nothing(
    isolated: RunnerClient, kept: Callable[..., str], skops_digest: str, code_model: CodeModel
) -> None:
    path = kept("stands", skops_digest)
    with pytest.raises(ModelCrashed):
        kept("stands", code_model("import os\nos._exit(4)"))
    assert isolated.predict(path, rows=[ROW], deadline_s=5).task == "classification"
    assert stats(isolated, "stands").tree_digest == skops_digest


def test_a_converted_model_answers_in_place_of_the_other(
    client: RunnerClient, kept: Callable[..., str], skops_digest: str, onnx_digest: str
) -> None:
    path = kept("converted", skops_digest, converted_digest=onnx_digest)
    assert client.predict(path, rows=[ROW], deadline_s=5).task == "classification"
    found, described = stats(client, "converted"), client.describe(key="converted")
    assert found.format == described.format == "onnx"
    assert (found.tree_digest, found.converted_digest) == (skops_digest, onnx_digest)
    assert (described.tree_digest, described.converted_digest) == (skops_digest, onnx_digest)


@pytest.mark.parametrize("absent", ["tree_digest", "converted_digest"])
def test_neither_of_two_digests_is_taken_on_trust(
    client: RunnerClient, skops_digest: str, onnx_digest: str, absent: str
) -> None:
    digests = {"tree_digest": skops_digest, "converted_digest": onnx_digest} | {absent: "0" * 64}
    with pytest.raises(ArtifactMismatch):
        client.serve(project="p", key="unproven", **digests)
    assert "unproven" not in {one.key for one in client.stats()}


def test_a_stopped_key_is_gone_for_good(client: RunnerClient, skops_digest: str) -> None:
    path = Path(client.serve(project="p", key="gone", tree_digest=skops_digest))
    keys = client.health().keys
    assert b'"gone"' in (path.parent / "served.json").read_bytes()
    assert client.stop(key="gone")
    assert not path.exists()
    assert b'"gone"' not in (path.parent / "served.json").read_bytes()
    assert client.health().keys == keys - 1
    with pytest.raises(RunnerUnavailable):
        client.describe(key="gone")


def test_what_a_killed_runner_served_is_served_by_the_next_and_nothing_of_it_lives_on(
    store: Store, skops_digest: str, tmp_path: Path
) -> None:
    with running(tmp_path, store) as (client, process):
        path = client.serve(project="p", key="v", tree_digest=skops_digest, idle_s=600.0)
        client.serve(project="p", key="stopped", tree_digest=skops_digest)
        client.stop(key="stopped")
        client.predict(path, rows=[ROW])
        first = stats(client, "v").pid
        os.kill(parent_of(parent_of(first)), signal.SIGKILL)
        wait_for(client, "v", lambda found: found.pid != first)
        # Another parent is warmed, which takes seconds: who comes too early hears when to return.
        assert insist(client, path).task == "classification"
        assert stats(client, "v").restarts == 1
        started = memory.tree_of(process.pid)
        assert len(started) >= 4
        process.kill()
        process.wait(60)
        assert gone(started)
        with running(tmp_path, store) as (other, _):
            (found,) = other.stats()
            assert (found.key, found.pid, found.format) == ("v", 0, "skops")
            assert insist(client, path).task == "classification"
            assert other.describe(key="v").tree_digest == skops_digest
            assert other.health().memory_bytes > 0
