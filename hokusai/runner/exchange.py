"""One question to one child, and whatever comes back."""

import contextlib
from typing import Any, Final

from hokusai.runner import protocol
from hokusai.runner.children import Child
from hokusai.runner.errors import (
    ModelCrashed,
    ModelTimeout,
    ProtocolError,
    RunnerError,
    from_wire,
)

# What a child may answer: it ran foreign code, and main must not be made to hold any amount.
REPLY_FLOOR_BYTES: Final = 64 << 20
REPLY_FACTOR: Final = 64
END_WAIT_S: Final = 1.0


def ask_once(
    child: Child, body: protocol.Block, deadline_s: float
) -> tuple[protocol.Header, memoryview]:
    """The reply of a fresh child, which gets `body` as it came and ends with it."""
    try:
        child.begin(deadline_s)
        answer, block = protocol.decode(exchange(child, body, deadline_s))
    except ProtocolError as error:
        child.kill(ModelCrashed("The model's process answered with something unreadable."))
        raise child.cause() from error
    finally:
        child.dispose()
    if "error" in answer:
        raise from_wire(answer["error"])
    return answer, block


def exchange(child: Child, body: protocol.Block, deadline_s: float) -> protocol.Block:
    child.data.settimeout(deadline_s + END_WAIT_S)
    # A child that ended cannot read; its reply or its cause says more than the broken pipe.
    with contextlib.suppress(OSError):
        child.data.sendall(protocol.LENGTH.pack(len(body)))
        child.data.sendall(body)
    limit = REPLY_FLOOR_BYTES + REPLY_FACTOR * len(body)
    return _received(child, limit)


def introduction(child: Child, deadline_s: float) -> dict[str, Any]:
    child.begin(deadline_s)
    child.data.settimeout(deadline_s + END_WAIT_S)
    try:
        stated, _ = protocol.decode(_received(child, REPLY_FLOOR_BYTES))
    except RunnerError:
        child.dispose()
        raise
    child.finish()
    if "error" in stated:
        child.dispose()
        raise from_wire(stated["error"])
    return stated


def _received(child: Child, limit: int) -> protocol.Block:
    try:
        body = protocol.receive(child.data, limit)
    except (OSError, ProtocolError) as error:
        child.kill(ModelTimeout("The model did not finish in time and was stopped."))
        raise child.cause() from error
    if body is None:
        raise child.cause()
    return body
