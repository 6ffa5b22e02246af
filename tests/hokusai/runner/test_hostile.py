"""Files and code made to harm: only their own child is, and the caller hears a typed error."""

import os
import select
import socket
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from hokusai.runner.client import RunnerClient
from hokusai.runner.errors import (
    FormatRefused,
    ModelCrashed,
    ModelOutOfMemory,
    ModelRaised,
    ModelTimeout,
    RunnerError,
)
from tests.hokusai.runner import artifacts, hostile
from tests.hokusai.runner.artifacts import ROW
from tests.hokusai.runner.conftest import Store
from tests.hokusai.runner.test_keeping import insist, stats, wait_for

CodeModel = Callable[[str], str]
LIMIT = 224 << 20
PICKLES = ("system", "subprocess", "exec", "timeit", "pydoc", "numpy")


@pytest.fixture(scope="module")
def neighbour(client: RunnerClient, skops_digest: str) -> Iterator[tuple[str, int]]:
    """A version of another project, served by the same runner all the while."""
    path = client.serve(project="q", key="neighbour", tree_digest=skops_digest)
    yield path, stats(client, "neighbour").pid
    client.stop(key="neighbour")


@pytest.fixture(autouse=True)
def unharmed(
    isolated: RunnerClient, neighbour: tuple[str, int], reach: Path
) -> Iterator[RunnerClient]:
    """The neighbour answers from the same process after each test, and nothing was written."""
    yield isolated
    path, pid = neighbour
    assert isolated.predict(path, rows=[ROW], deadline_s=10).task == "classification"
    found = stats(isolated, "neighbour")
    assert (found.pid, found.restarts) == (pid, 0)
    assert [entry.name for entry in reach.iterdir()] == []


@pytest.fixture(scope="module")
def reach() -> Iterator[Path]:
    """A folder that everyone on the machine may write to."""
    with tempfile.TemporaryDirectory(prefix="hokusai-reach-") as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


@pytest.fixture
def served(isolated: RunnerClient, code_model: CodeModel) -> Iterator[Callable[[str], str]]:
    """Serves a model whose code is given; its key is `hostile`."""

    def serve(source: str) -> str:
        digest = code_model(textwrap.dedent(hostile.SOCKETS) + textwrap.dedent(source))
        return isolated.serve(project="p", key="hostile", tree_digest=digest)

    yield serve
    isolated.kill(key="hostile")


def ask(client: RunnerClient, digest: str, deadline_s: float = 20) -> list[object]:
    """Predictions of a fresh child with little memory."""
    answer = client.predict_once(
        project="p", tree_digest=digest, rows=[ROW], deadline_s=deadline_s, memory_bytes=LIMIT
    )
    return list(answer.predictions())


@pytest.mark.parametrize("name", PICKLES)
def test_a_pickle_that_calls_reaches_nothing(
    isolated: RunnerClient, store: Store, reach: Path, name: str
) -> None:
    raw = hostile.pickles(reach / name)[name]
    with pytest.raises((ModelRaised, ModelCrashed)):
        ask(isolated, store.put(hostile.pickled(raw)))


def test_a_loader_of_the_models_own_reaches_nothing(
    isolated: RunnerClient, store: Store, reach: Path
) -> None:
    with pytest.raises(ModelRaised):
        ask(isolated, store.put(hostile.stolen_loader(reach / "loader")))


def test_what_a_file_says_is_to_be_trusted_is_not(
    isolated: RunnerClient, store: Store, reach: Path
) -> None:
    with pytest.raises(FormatRefused, match="not trusted"):
        ask(isolated, store.put(hostile.own_trust(reach / "trusted")))


def test_a_tree_that_leads_astray_harms_its_own_process_alone(
    isolated: RunnerClient, store: Store
) -> None:
    with pytest.raises((ModelCrashed, ModelRaised)):
        ask(isolated, store.put(hostile.astray()))


def test_a_small_file_that_allocates_gigabytes_is_stopped_while_it_serves(
    isolated: RunnerClient, store: Store
) -> None:
    digest = store.put(artifacts.onnx_that_allocates(640 << 20))
    try:
        path = isolated.serve(
            project="p", key="hostile", tree_digest=digest, memory_bytes=256 << 20
        )
        with pytest.raises(ModelOutOfMemory):
            isolated.predict(path, rows=[ROW], deadline_s=20)
    finally:
        isolated.kill(key="hostile")


@pytest.mark.parametrize(
    "attempt",
    [
        "os.memfd_create('hoard')",
        "open('/dev/shm/hoard', 'wb')",
        "SharedMemory(create=True, size=1 << 20)",
        "os.eventfd(0) and ctypes.CDLL(None, use_errno=True).shmget(0, 1 << 20, 0o1600)",
    ],
)
def test_memory_that_nobody_would_see_cannot_be_had(
    isolated: RunnerClient, code_model: CodeModel, attempt: str
) -> None:
    digest = code_model(f"""
        import ctypes, os
        from multiprocessing.shared_memory import SharedMemory
        def predict(frame):
            try:
                return [float({attempt} == -1)]
            except OSError:
                return [1.0]
    """)
    assert ask(isolated, digest) == [1.0]


def test_memory_shared_with_nobody_counts(isolated: RunnerClient, code_model: CodeModel) -> None:
    digest = code_model("""
        import mmap, time
        def predict(frame):
            held = mmap.mmap(-1, 256 << 20)
            for start in range(0, len(held), 8 << 20):
                held[start:start + (8 << 20)] = b"x" * (8 << 20)
            time.sleep(5)
    """)
    with pytest.raises(ModelOutOfMemory):
        ask(isolated, digest)


def test_a_disk_is_not_filled(isolated: RunnerClient, code_model: CodeModel) -> None:
    digest = code_model("""
        import pathlib
        def attempt(folder, size, most):
            done = 0
            try:
                for number in range(most):
                    pathlib.Path(folder, f"f{size}-{number}").write_bytes(bytes(size))
                    done += 1
            except OSError:
                pass
            return done
        def predict(frame):
            written = attempt("/tmp", 1 << 20, 40)
            empty = attempt("/tmp", 0, 3000)
            elsewhere = sum(attempt(f, 1, 1) for f in ("/", "/model", "/var/tmp", "/dev/shm", "."))
            return [float(written <= 16 and empty <= 1024 and not elsewhere)]
    """)
    assert ask(isolated, digest) == [1.0]


def test_files_in_a_private_folder_count_as_memory(
    isolated: RunnerClient, code_model: CodeModel
) -> None:
    if isolated.health().tier != "A":
        pytest.skip("NOT TESTED: without namespaces there is no private folder")
    source = """
        import pathlib, time
        def predict(frame):
            held = bytearray(b"x") * {heap}
            if {files}:
                pathlib.Path("/tmp/hoard").write_bytes(bytes({files}))
            time.sleep(0.3)
            return [float(len(held) > 0)]
    """
    low = 32 << 20
    heap = LIMIT - _held(isolated, code_model) - low // 4
    fits, exceeds = (code_model(source.format(heap=heap, files=files)) for files in (0, 15 << 20))
    assert ask(isolated, fits) == [1.0]
    with pytest.raises(ModelOutOfMemory):
        ask(isolated, exceeds)


def _held(client: RunnerClient, code_model: CodeModel) -> int:
    """What a child of the same kind holds before it does anything."""
    digest = code_model("def predict(frame):\n    return [1.0]")
    try:
        path = client.serve(project="p", key="hostile", tree_digest=digest)
        client.predict(path, rows=[ROW], deadline_s=10)
        return stats(client, "hostile").memory_bytes
    finally:
        client.kill(key="hostile")


@pytest.fixture
def databases() -> Iterator[tuple[list[str], list[int], list[socket.socket]]]:
    """What PostgreSQL and Redis would listen at: Unix sockets by path, and ports of loopback."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hokusai-db-")))
        folder.chmod(0o777)
        listeners, paths = [], [folder / ".s.PGSQL.5432", folder / "redis.sock"]
        for path in paths:
            one = stack.enter_context(socket.socket(socket.AF_UNIX))
            one.bind(str(path))
            path.chmod(0o777)
            one.listen()
            listeners.append(one)
        for _ in range(2):
            listeners.append(stack.enter_context(socket.create_server(("127.0.0.1", 0))))
        ports = [one.getsockname()[1] for one in listeners[2:]]
        yield [str(path) for path in paths], ports, listeners


def test_databases_are_neither_found_nor_reached(
    isolated: RunnerClient,
    code_model: CodeModel,
    databases: tuple[list[str], list[int], list[socket.socket]],
) -> None:
    paths, ports, listeners = databases
    digest = code_model(f"""
        import os, socket
        def reached(family, address):
            try:
                with socket.socket(family) as one:
                    one.settimeout(0.5)
                    one.connect(address)
            except OSError:
                return 0
            return 1
        def seen(path):
            try:
                return len(os.listdir(path))
            except OSError:
                return 0
        def predict(frame):
            found = sum(seen(f) for f in ("/run", "/var/run", {os.path.dirname(paths[0])!r}))
            found += sum(reached(socket.AF_UNIX, path) for path in {paths!r})
            found += sum(reached(socket.AF_INET, ("127.0.0.1", p)) for p in {ports!r})
            return [float(found)]
    """)
    assert ask(isolated, digest) == [0.0]
    assert select.select(listeners, [], [], 0)[0] == []


@pytest.mark.parametrize(
    "attempt",
    [
        "[os.fork() or os._exit(0) for _ in range(30)]",
        "[subprocess.Popen(['/bin/true']) for _ in range(5)]",
        "[os.posix_spawn('/bin/true', ['true'], {}) for _ in range(5)]",
        "[socket.socket(family) for family in (1, 2, 10, 16, 17)]",
        "[socket.socketpair() for _ in range(5)]",
        "[open('/dev/null') for _ in range(1000)]",
    ],
    ids=["forks", "programs", "spawns", "sockets", "pairs", "files"],
)
def test_bombs_do_not_go_off(isolated: RunnerClient, code_model: CodeModel, attempt: str) -> None:
    digest = code_model(f"""
        import os, socket, subprocess
        def predict(frame):
            try:
                {attempt}
            except OSError:
                return [1.0]
            return [0.0]
    """)
    assert ask(isolated, digest) == [1.0]


def test_threads_are_counted(isolated: RunnerClient, code_model: CodeModel) -> None:
    digest = code_model("""
        import threading
        def predict(frame):
            done = threading.Event()
            try:
                for _ in range(100):
                    threading.Thread(target=done.wait, args=(5,), daemon=True).start()
            except RuntimeError:
                done.set()
                return [1.0]
            return [0.0]
    """)
    if isolated.health().tier != "A" and os.geteuid():
        pytest.skip("NOT TESTED: without a uid of its own a child's threads are not counted")
    assert ask(isolated, digest) == [1.0]


def test_an_endless_loop_ends_at_the_deadline_and_the_next_caller_is_answered(
    isolated: RunnerClient, served: Callable[[str], str]
) -> None:
    path = served("""
        def predict(frame):
            while frame.a[0] > 0:
                pass
            return [0.5]
    """)
    with pytest.raises(ModelTimeout):
        isolated.predict(path, rows=[ROW], deadline_s=0.3)
    answer = insist(isolated, path, ROW | {"a": -1.0})
    assert answer.predictions() == [0.5]


def test_an_endless_load_ends_at_its_deadline(
    isolated: RunnerClient, code_model: CodeModel
) -> None:
    digest = code_model("while True:\n    pass")
    with pytest.raises(ModelTimeout):
        isolated.serve(project="p", key="hostile", tree_digest=digest, load_timeout_s=1.0)


STAMPED = """
    import glob, mmap, time
    def stamps():
        for link in glob.glob("/proc/self/fd/*"):
            try:
                handle = int(os.path.basename(link))
                if handle > 2 and os.fstat(handle).st_size and not os.path.isdir(link):
                    yield handle
            except OSError:
                continue
    def predict(frame):
        for handle in stamps():
            try:
                {act}
            except OSError:
                pass
        return [0.5]
"""


@pytest.mark.parametrize(
    "act",
    ["os.pwrite(handle, bytes([255]) * 4096, 0)", "os.ftruncate(handle, 3)"],
    ids=["nonsense", "shortened"],
)
def test_who_writes_into_its_stamp_deceives_about_itself_alone(
    isolated: RunnerClient, served: Callable[[str], str], act: str
) -> None:
    path = served(STAMPED.format(act=act))
    with suppress(ModelCrashed, ModelTimeout):
        isolated.predict(path, rows=[ROW], deadline_s=5)
    found = stats(isolated, "hostile")
    assert 0 <= found.requests <= 1 << 53
    assert isolated.kill(key="hostile")


@pytest.mark.parametrize(
    "frame",
    [
        "bytes([255]) * 64",
        "struct.pack('>I', 1 << 29) + b'x' * 4096",
        "struct.pack('>I', 9) + b'no object'",
        "struct.pack('>I', 12) + bytes([1]) + struct.pack('>I', 9999) + b'{}{}{}{'",
        "struct.pack('>I', 2) + b'{}'",
    ],
    ids=["too large", "cut off", "no json", "shorter than it says", "empty"],
)
def test_frames_made_to_harm_are_an_error_for_their_caller(
    isolated: RunnerClient, served: Callable[[str], str], frame: str
) -> None:
    path = served(f"""
        def predict(frame):
            for one in sockets()["connected"]:
                one.setblocking(False)
                one.send({frame})
            os._exit(0)
    """)
    with pytest.raises(RunnerError) as heard:
        isolated.predict(path, rows=[ROW], deadline_s=5)
    assert type(heard.value) is not RunnerError


@pytest.mark.parametrize(
    "frame",
    [
        "bytes([255]) * 64",
        "struct.pack('>I', 9) + b'no object'",
        "struct.pack('>I', 10) + b'{\"task\":5}'",
    ],
)
def test_who_speaks_before_it_is_loaded_is_not_served(
    isolated: RunnerClient, served: Callable[[str], str], frame: str
) -> None:
    with pytest.raises(ModelCrashed, match="unreadable"):
        served(f"for one in sockets()['connected']:\n    one.send({frame})\npredict = None")
    assert "hostile" not in {one.key for one in isolated.stats()}


def test_who_shuts_its_own_door_gets_another(
    isolated: RunnerClient, served: Callable[[str], str]
) -> None:
    path = served("""
        def predict(frame):
            if frame.a[0] > 0:
                for one in sockets()["listener"]:
                    one.shutdown(socket.SHUT_RDWR)
            return [0.5]
    """)
    with suppress(ModelCrashed):
        isolated.predict(path, rows=[ROW], deadline_s=5)
    wait_for(isolated, "hostile", lambda found: "shut the socket" in found.last_error)
    answer = insist(isolated, path, ROW | {"a": -1.0})
    assert answer.predictions() == [0.5]
