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
# Names of columns and classes.
INTRODUCTION_BYTES: Final = 16 << 20
STATED: Final = ("task", "inputs", "columns", "classes")


def ask_once(
    child: Child, body: protocol.Block, deadline_s: float
) -> tuple[protocol.Header, memoryview]:
    """The reply of a fresh child, which gets `body` as it came and ends with it."""
    try:
        child.begin(deadline_s)
        answer, block = protocol.decode(exchange(child, body, deadline_s))
    except ProtocolError as error:
        child.kill(_unreadable())
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
    """What a child states of the model it has loaded; raises as loading it does, or ModelCrashed.

    The model's code ran before: what it says is checked for its form.
    """
    child.begin(deadline_s)
    child.data.settimeout(deadline_s + END_WAIT_S)
    try:
        stated, _ = protocol.decode(_received(child, INTRODUCTION_BYTES))
    except ProtocolError as error:
        child.kill(_unreadable())
        child.dispose()
        raise child.cause() from error
    except RunnerError:
        child.dispose()
        raise
    child.finish()
    if "error" in stated or not _of_form(stated):
        child.dispose()
        raise from_wire(stated["error"]) if "error" in stated else _unreadable()
    return {name: stated[name] for name in STATED}


def _unreadable() -> ModelCrashed:
    return ModelCrashed("The model's process answered with something unreadable.")


def _of_form(stated: protocol.Header) -> bool:
    texts, classes = (stated.get("inputs"), stated.get("columns")), stated.get("classes")
    return (
        isinstance(stated.get("task"), str)
        and all(isinstance(one, list) and all(isinstance(t, str) for t in one) for one in texts)
        and isinstance(classes, list)
        and all(isinstance(one, str | int | float | bool) for one in classes)
    )


def _received(child: Child, limit: int) -> protocol.Block:
    try:
        body = protocol.receive(child.data, limit)
    except OSError as error:
        child.kill(ModelTimeout("The model did not finish in time and was stopped."))
        raise child.cause() from error
    if body is None:
        raise child.cause()
    return body
