"""The life of a child: settle on the floor, load the model, answer."""

import importlib
import os
import select
import socket
from dataclasses import dataclass
from pathlib import Path

from hokusai.runner import fitting, probe, protocol
from hokusai.runner.answering import Answerer, describe
from hokusai.runner.errors import RunnerError, to_wire
from hokusai.runner.foreign import ForeignCode
from hokusai.runner.loaders import LoadedModel, load
from hokusai.runner.mlmodel import ModelFormat
from hokusai.runner.sandbox import floor
from hokusai.runner.sandbox.plan import Plan
from hokusai.runner.serving import Service
from hokusai.runner.stamp import Stamp


@dataclass(frozen=True, slots=True)
class Handles:
    """Descriptors that main gave the child: `data` to main, `stamp`, `listener` to clients.

    `guard` is its guard's own: a pipe that ends when the guard does.
    """

    data: int
    stamp: int
    guard: int
    listener: int | None = None

    def kept(self) -> list[int]:
        """All that stay open while the child settles."""
        every = (self.data, self.stamp, self.guard, self.listener)
        return [handle for handle in every if handle is not None]


def live(plan: Plan, handles: Handles) -> None:
    """Everything a child does; returns when there is nothing more to answer."""
    floor.close_other_descriptors(handles.kept())
    with socket.socket(fileno=handles.data) as data:
        try:
            tree = floor.settle(plan)
        except OSError as error:
            _refuse(data, RunnerError(f"The isolation could not be set up: {error.strerror}"))
            return
        if _orphaned(handles.guard):
            return
        if plan.purpose not in ("once", "serve"):
            _run_errand(data, plan, tree)
            return
        try:
            with ForeignCode("load"):
                model = load(Path(tree), ModelFormat(plan.format))
        except RunnerError as error:
            _refuse(data, error)
            return
        stamp = Stamp(handles.stamp)
        answerer = Answerer(
            model,
            stamp,
            tier=plan.tier,
            model_format=plan.format,
            latency_budget_ms=plan.latency_budget_ms,
        )
        if handles.listener is None:
            _answer_once(data, answerer)
        else:
            data.sendall(protocol.encode(_introduction(model)))
            with socket.socket(fileno=handles.listener) as listener:
                Service(data, listener, answerer).run()


def _run_errand(data: socket.socket, plan: Plan, tree: str) -> None:
    """Do what is no prediction; two of these need what only their warmed parents imported."""
    match plan.purpose:
        case "probe":
            probe.attempt(data, plan.probe)
        case "train":
            fitting.answer(data, plan)
        case "table":
            importlib.import_module("hokusai.runner.table_reading").answer(data)
        case "convert":
            importlib.import_module("hokusai.runner.conversion").answer(data, plan, tree)


def _orphaned(guard: int) -> bool:
    """Whether the guard ended before this child could ask to end with it."""
    ended = bool(select.select([guard], [], [], 0)[0])
    os.close(guard)
    return ended


def _introduction(model: LoadedModel) -> dict[str, object]:
    return describe(model.shape) | {"inputs": model.reader.names or ()}


def _refuse(data: socket.socket, error: RunnerError) -> None:
    data.sendall(protocol.encode({"error": to_wire(error)}))


def _answer_once(data: socket.socket, answerer: Answerer) -> None:
    body = protocol.receive(data)
    if body is not None:
        data.sendall(answerer.answer(body))
