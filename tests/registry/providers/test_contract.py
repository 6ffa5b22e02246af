"""What every hub of models promises, tried on all of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from registry.providers.base import HubRefused, HubUnavailable, ModelHub
from registry.providers.huggingface import HuggingFaceHub
from registry.providers.memory import MemoryHub
from tests.registry.providers.stub_hub import FILES, REPOSITORY, REVISION, hub


@dataclass
class Case:
    hub: ModelHub
    go_down: Callable[[], None]


@pytest.fixture(params=["memory", "huggingface"])
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    if request.param == "memory":
        memory = MemoryHub()
        memory.repositories[REPOSITORY, REVISION] = FILES
        yield Case(memory, lambda: setattr(memory, "down", True))
        return
    with hub() as server:
        client = HuggingFaceHub(endpoint=server.url, timeout_s=5.0)
        yield Case(client, lambda: setattr(server, "status", 503))


def test_files_are_listed_with_their_sizes(case: Case) -> None:
    found = {file.path: file.size_bytes for file in case.hub.files(REPOSITORY, REVISION)}
    assert found == {path: len(content) for path, content in FILES.items()}


def test_a_file_is_written_where_it_is_wanted_and_nothing_else(case: Case, tmp_path: Path) -> None:
    for path in FILES:
        case.hub.download(REPOSITORY, REVISION, path, tmp_path / path)
    assert {file.name: file.read_bytes() for file in tmp_path.rglob("*")} == FILES


def test_an_unknown_repository_is_refused(case: Case) -> None:
    with pytest.raises(HubRefused):
        case.hub.files("tides/absent", REVISION)


def test_an_outage_may_be_tried_again(case: Case) -> None:
    case.go_down()
    with pytest.raises(HubUnavailable):
        case.hub.files(REPOSITORY, REVISION)


def test_a_hub_that_is_not_there_may_be_tried_again(tmp_path: Path) -> None:
    with hub() as server:
        gone = server.url
    client = HuggingFaceHub(endpoint=gone, timeout_s=2.0)
    with pytest.raises(HubUnavailable):
        client.files(REPOSITORY, REVISION)
    with pytest.raises(HubUnavailable):
        client.download(REPOSITORY, REVISION, "model.onnx", tmp_path / "model.onnx")


def test_large_files_come_with_their_digest() -> None:
    with hub() as server:
        files = HuggingFaceHub(endpoint=server.url).files(REPOSITORY, REVISION)
    assert [bool(file.sha256) for file in files] == [False, True]
