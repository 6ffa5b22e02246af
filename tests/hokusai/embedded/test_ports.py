import os
import socket
from collections.abc import Iterator

import pytest

from hokusai.embedded.errors import EmbeddedError, PortTaken
from hokusai.embedded.ports import any_free, demanded, holder_of, is_free, preferred, require_free


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_taken_port_is_reported_with_holder_and_variable(taken: int) -> None:
    with pytest.raises(PortTaken) as caught:
        require_free(taken, "HOKUSAI_WEB_PORT")
    text = str(caught.value)
    assert f"Port {taken} is taken" in text
    assert f"process {os.getpid()}" in text
    assert "HOKUSAI_WEB_PORT" in text


def test_a_free_port_has_no_holder() -> None:
    port = any_free()
    assert is_free(port)
    assert holder_of(port) == ""


def test_a_taken_wish_yields_to_the_next(taken: int) -> None:
    second = any_free()
    assert preferred([taken, second]) == second


def test_without_a_free_wish_any_port_will_do(taken: int) -> None:
    assert preferred([None, taken]) not in {None, taken}


def test_a_port_from_the_environment_must_be_free(taken: int) -> None:
    assert demanded("HOKUSAI_WEB_PORT", {}) is None
    free = any_free()
    assert demanded("HOKUSAI_WEB_PORT", {"HOKUSAI_WEB_PORT": str(free)}) == free
    with pytest.raises(PortTaken):
        demanded("HOKUSAI_WEB_PORT", {"HOKUSAI_WEB_PORT": str(taken)})


@pytest.mark.parametrize("text", ["0", "65536", "eighty", "-1"])
def test_a_variable_that_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(EmbeddedError, match="HOKUSAI_WEB_PORT"):
        demanded("HOKUSAI_WEB_PORT", {"HOKUSAI_WEB_PORT": text})
