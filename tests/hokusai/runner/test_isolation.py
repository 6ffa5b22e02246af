"""Whatever a model's code tries, the child stops it, the caller hears why, the runner goes on."""

import os
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hokusai.runner.client import RunnerClient
from hokusai.runner.errors import (
    ModelCrashed,
    ModelOutOfMemory,
    ModelRaised,
    ModelTimeout,
    OutputContract,
)
from tests.hokusai.runner import artifacts
from tests.hokusai.runner.artifacts import ROW
from tests.hokusai.runner.conftest import Store

CodeModel = Callable[[str], str]
# A model that answers 1.0 where `attempt` is stopped by the system, 0.0 where it succeeds.
TRIES = """
    import errno, os, signal, socket
    {attempt}
    def predict(frame):
        try:
            attempt()
        except OSError:
            return [1.0]
        return [0.0]
"""


def stopped(client: RunnerClient, code_model: CodeModel, attempt: str) -> bool:
    """Whether a model whose `attempt` is given was stopped at it."""
    digest = code_model(TRIES.format(attempt=attempt))
    return client.predict_once(project="p", tree_digest=digest, rows=[ROW]).predictions() == [1.0]


@pytest.fixture
def foreign() -> Iterator[Path]:
    """A file that everyone on the machine may read."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder, "secret")
        path.write_text("secret")
        yield path


@pytest.fixture
def network() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def test_a_model_cannot_read_a_foreign_file(
    isolated: RunnerClient, code_model: CodeModel, foreign: Path
) -> None:
    assert stopped(isolated, code_model, f"attempt = lambda: open({str(foreign)!r}).read()")


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/hosts", "/proc/cpuinfo"])
def test_a_model_cannot_read_the_machine(
    isolated: RunnerClient, code_model: CodeModel, path: str
) -> None:
    assert stopped(isolated, code_model, f"attempt = lambda: open({path!r}, 'rb').read(1)")


def test_a_model_cannot_read_another_model(
    isolated: RunnerClient, code_model: CodeModel, skops_digest: str, store: Store
) -> None:
    other = f"{store.root}/trees/{skops_digest}/files/MLmodel"
    assert stopped(isolated, code_model, f"attempt = lambda: open({other!r}).read()")


def test_a_model_cannot_connect_by_tcp(
    isolated: RunnerClient, code_model: CodeModel, network: socket.socket
) -> None:
    address = network.getsockname()
    assert stopped(
        isolated, code_model, f"attempt = lambda: socket.create_connection({address!r}, 1)"
    )


def test_a_model_cannot_connect_to_a_unix_socket(
    isolated: RunnerClient, code_model: CodeModel
) -> None:
    path = isolated.socket_path
    attempt = f"""attempt = lambda: socket.socket(socket.AF_UNIX).connect({path!r})"""
    assert stopped(isolated, code_model, attempt)


@pytest.mark.parametrize(
    "attempt",
    [
        "os.fork()",
        "os.execv('/usr/bin/true', ['true'])",
        "socket.socketpair()",
        "os.memfd_create('hidden')",
        "os.kill(os.getppid(), 0)",
        "os.kill(-1, 0)",
        "open('written-here', 'w')",
        "open('/model/MLmodel', 'a')",
        "os.setuid(0)",
        "os.chroot('/tmp')",
    ],
)
def test_a_model_cannot_reach_out_of_its_process(
    isolated: RunnerClient, code_model: CodeModel, attempt: str
) -> None:
    assert stopped(isolated, code_model, f"attempt = lambda: {attempt}")


def test_a_model_has_no_secret_in_its_environment(
    isolated: RunnerClient, code_model: CodeModel
) -> None:
    os.environ["HOKUSAI_TEST_SECRET"] = "x"
    source = """
        import os
        def predict(frame):
            return [float(any("SECRET" in k or "PATH" in k for k in os.environ))]
    """
    found = isolated.predict_once(project="p", tree_digest=code_model(source), rows=[ROW])
    assert found.predictions() == [0.0]


def test_a_model_that_sleeps_is_stopped_at_its_deadline(
    isolated: RunnerClient, code_model: CodeModel
) -> None:
    digest = code_model("import time\ndef predict(frame):\n    time.sleep(30)")
    with pytest.raises(ModelTimeout):
        isolated.predict_once(project="p", tree_digest=digest, rows=[ROW], deadline_s=1)


def test_a_model_that_eats_memory_is_stopped(isolated: RunnerClient, code_model: CodeModel) -> None:
    digest = code_model("""
        import time
        def predict(frame):
            held = [bytearray(b"x") * (8 << 20) for _ in range(40)]
            time.sleep(5)
    """)
    with pytest.raises(ModelOutOfMemory, match="more than 128 MiB and was stopped"):
        isolated.predict_once(project="p", tree_digest=digest, rows=[ROW], memory_bytes=128 << 20)


def test_one_huge_allocation_is_out_of_memory_too(
    isolated: RunnerClient, code_model: CodeModel
) -> None:
    digest = code_model("import numpy\ndef predict(frame):\n    return numpy.ones(1 << 40)")
    with pytest.raises(ModelOutOfMemory):
        isolated.predict_once(project="p", tree_digest=digest, rows=[ROW])


@pytest.mark.parametrize("elements", [100 << 20, 1 << 30])
def test_a_small_onnx_file_that_asks_for_much_memory_is_stopped(
    client: RunnerClient, store: Store, elements: int
) -> None:
    digest = store.put(artifacts.onnx_that_allocates(elements))
    with pytest.raises(ModelOutOfMemory):
        client.predict_once(project="p", tree_digest=digest, rows=[ROW], memory_bytes=256 << 20)


def test_a_model_that_exits_is_a_crash(isolated: RunnerClient, code_model: CodeModel) -> None:
    digest = code_model("import os\ndef predict(frame):\n    os._exit(3)")
    with pytest.raises(ModelCrashed, match="status 3") as caught:
        isolated.predict_once(project="p", tree_digest=digest, rows=[ROW])
    assert caught.value.context["exit_status"] == 3


def test_a_model_that_faults_is_a_crash_with_its_signal(
    isolated: RunnerClient, code_model: CodeModel
) -> None:
    digest = code_model("import ctypes\ndef predict(frame):\n    ctypes.string_at(0)")
    with pytest.raises(ModelCrashed, match="SIGSEGV"):
        isolated.predict_once(project="p", tree_digest=digest, rows=[ROW])


def test_a_model_that_raises_does_not_echo_its_rows(
    isolated: RunnerClient, code_model: CodeModel
) -> None:
    digest = code_model("""
        def predict(frame):
            raise ValueError(f"row {frame.iloc[0].to_dict()} is 'bad'")
    """)
    with pytest.raises(ModelRaised, match="ValueError") as caught:
        isolated.predict_once(project="p", tree_digest=digest, rows=[ROW | {"a": 424.25}])
    assert "424" not in caught.value.message
    assert caught.value.context["phase"] == "predict"


@pytest.mark.parametrize("source", ["import absent_module", "raise SystemExit(1)", "1 / 0"])
def test_a_model_that_cannot_be_loaded_is_an_error(
    isolated: RunnerClient, code_model: CodeModel, source: str
) -> None:
    with pytest.raises(ModelRaised) as caught:
        isolated.predict_once(project="p", tree_digest=code_model(source), rows=[ROW])
    assert caught.value.context["phase"] == "load"


@pytest.mark.parametrize(
    "answer", ["[1.0, 2.0]", "[[1.0, 2.0]]", "[float('nan')]", "[None]", "['x', None]"]
)
def test_an_answer_of_another_form_breaks_the_contract(
    isolated: RunnerClient, code_model: CodeModel, answer: str
) -> None:
    digest = code_model(f"def predict(frame):\n    return {answer}")
    with pytest.raises((OutputContract, ModelRaised)):
        isolated.predict_once(project="p", tree_digest=digest, rows=[ROW])


def test_two_calls_run_at_once(isolated: RunnerClient, code_model: CodeModel) -> None:
    slow = code_model("import time\ndef predict(frame):\n    time.sleep(3)\n    return [1.0]")
    quick = code_model("def predict(frame):\n    return [2.0]")
    answers: list[list[object]] = []

    def call(digest: str) -> None:
        found = isolated.predict_once(project="p", tree_digest=digest, rows=[ROW])
        answers.append(found.predictions())

    threads = [threading.Thread(target=call, args=(digest,)) for digest in (slow, quick)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == [[2.0], [1.0]]


def test_nothing_is_left_behind_and_the_runner_lives(
    isolated: RunnerClient, code_model: CodeModel
) -> None:
    digest = code_model("def predict(frame):\n    return [2.0]")
    isolated.predict_once(project="p", tree_digest=digest, rows=[ROW])
    living = [child for child in isolated.stats() if child.pid]
    assert isolated.health().children == len(living)
