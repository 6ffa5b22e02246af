"""The runner as a process: its folder, its end, and what outlives it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hokusai.runner.client import RunnerClient
from hokusai.runner.errors import ProtocolError
from hokusai.runner.server import listen, private_folder
from tests.hokusai.runner.conftest import Store, running

Running = tuple[RunnerClient, subprocess.Popen[bytes]]


@pytest.fixture
def own(tmp_path: Path, store: Store) -> Iterator[Running]:
    with running(tmp_path, store) as pair:
        yield pair


def test_a_terminated_runner_leaves_no_socket(own: Running) -> None:
    client, process = own
    process.terminate()
    assert process.wait(60) == 0
    assert not Path(client.socket_path).exists()


def test_a_second_runner_at_the_same_path_is_refused(client: RunnerClient) -> None:
    with pytest.raises(SystemExit, match="another runner"):
        listen(Path(client.socket_path))
    assert client.health().tier


def test_a_socket_left_by_a_dead_runner_is_replaced(tmp_path: Path) -> None:
    listen(tmp_path / "s").close()
    with listen(tmp_path / "s"):
        assert (tmp_path / "s").stat().st_mode & 0o777 == 0o600


def test_a_folder_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with pytest.raises(SystemExit, match="0700"):
        private_folder(tmp_path)


@pytest.mark.parametrize("question", [{"op": "unknown"}, {}, {"op": "serve"}])
def test_a_question_nobody_understands_is_answered(
    client: RunnerClient, question: dict[str, str]
) -> None:
    with pytest.raises(ProtocolError):
        client._ask(question)
    assert client.health().tier
