"""The child's side of a training: fit coalitions one after the other, answer once."""

import socket
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hokusai.runner import protocol
from hokusai.runner.answering import describe
from hokusai.runner.errors import OutputContract, RunnerError, TrainingDataUnusable, to_wire
from hokusai.runner.foreign import ForeignCode
from hokusai.runner.recipes import allowed
from hokusai.runner.recipes.base import FittedModel, Recipe
from hokusai.runner.recipes.parameters import MISSING, checked
from hokusai.runner.recipes.tables import Gathered, gather
from hokusai.runner.sandbox.plan import Plan

Floats = npt.NDArray[np.float64]
FORMAT: Final = "recipe"


def answer(data: socket.socket, plan: Plan) -> None:
    """Do one training of `plan.recipe` and send predictions, or files, or the error."""
    body = protocol.receive(data)
    if body is None:
        return
    try:
        header, block = protocol.decode(body)
        reply, raw = _train(plan, header, block)
    except RunnerError as error:
        data.sendall(protocol.encode({"error": to_wire(error)}))
        return
    protocol.send(data, reply | {"tier": plan.tier, "format": FORMAT}, raw)


def _train(
    plan: Plan, header: Mapping[str, Any], block: memoryview
) -> tuple[dict[str, Any], bytes]:
    recipe = allowed.load(plan.recipe)
    task = header["task"]
    if task not in recipe.tasks:
        raise TrainingDataUnusable(f"{recipe.title} is no recipe for a {task}.", task=str(task))
    parameters = checked(header["parameters"], recipe.parameters(task))
    rows, asked = _split(header, block)
    drop_gaps = parameters.get(MISSING) == "drop"
    training = _Training(recipe, parameters, gather(header, rows, drop_gaps=drop_gaps))
    pairs = list(zip(header["coalitions"], header["seeds"], strict=True))
    if header["export"]:
        return _files(training.fit(0, *pairs[0]))
    return _predictions(training, pairs, asked)


def _split(header: Mapping[str, Any], block: memoryview) -> tuple[Floats, Floats]:
    """The rows to train on, (n, d + 1), and those to answer for, (m, d)."""
    width = len(header["columns"])
    size = sum(header["tables"]) * (width + 1)
    values = np.frombuffer(block, dtype="<f8")
    return values[:size].reshape(-1, width + 1), values[size:].reshape(-1, width).copy()


class _Training:
    """One recipe on the tables of one request."""

    def __init__(self, recipe: Recipe, parameters: Mapping[str, Any], rows: Gathered) -> None:
        self._recipe = recipe
        self._parameters = parameters
        self._rows = rows
        self._foreign = ForeignCode("fit")

    def fit(self, number: int, members: list[int], seed: int) -> FittedModel:
        """Fit on one coalition. Raises TrainingDataUnusable that names it by `number`."""
        try:
            table = self._rows.coalition(members)
            with self._foreign:
                return self._recipe.fit([table], self._parameters, seed)
        except TrainingDataUnusable as error:
            raise TrainingDataUnusable(
                error.message, **(error.context | {"coalition": number})
            ) from error


def _predictions(
    training: _Training, pairs: list[tuple[list[int], int]], asked: Floats
) -> tuple[dict[str, Any], bytes]:
    shapes, blocks = [], []
    for number, (members, seed) in enumerate(pairs):
        fitted = training.fit(number, members, seed)
        with ForeignCode("predict"):
            shape, values = fitted.predict(asked)
        if not np.isfinite(values).all():
            raise OutputContract("The fitted model answered with a value that is not finite.")
        shapes.append(describe(shape))
        blocks.append(values.tobytes())
    return {"fits": shapes}, b"".join(blocks)


def _files(fitted: FittedModel) -> tuple[dict[str, Any], bytes]:
    with ForeignCode("fit"):
        files = fitted.export()
    listed = [{"path": path, "size": len(raw)} for path, raw in files.items()]
    return {"files": listed}, b"".join(files.values())
