"""Trainings in the test's own process: the code of the runner's child, without a child.

Import the fixture `fitting` into a module that needs it.
"""

import json
import warnings
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import sklearn

from contributions.models import Contribution
from experiments.coalitions import coalition_outcomes
from experiments.models import Comparison, Training
from experiments.outcomes import keep_outcomes
from experiments.training_tables import joined, tables_of
from hokusai.core import jobs
from hokusai.core.models import Job
from hokusai.runner import fitting as child
from hokusai.runner.client import RunnerClient
from hokusai.runner.errors import RunnerUnavailable
from hokusai.runner.recipes.allowed import DEFAULT
from tests.contributions.world import candidate_of
from tests.factories import (
    ComparisonFactory,
    ConfirmationFactory,
    ContributionFactory,
    EvaluationFactory,
    TrainingFactory,
)
from tests.measuring import Bench, table, usable

# Few steps: how good a fit is does not matter here, that it is always the same does.
PARAMETERS = {"model": "logistic_regression", "C": 1.0, "max_iter": 20, "missing": "refuse"}
GAIN_PPM = 100_000


class Fits:
    """Counts the coalitions that were fitted."""

    def __init__(self) -> None:
        self.coalitions: list[tuple[int, ...]] = []
        self.fail_with: Exception | None = None

    def call(self, header: dict[str, Any], block: memoryview) -> tuple[dict[str, Any], memoryview]:
        if header["op"] != "fit_predict":
            raise RunnerUnavailable("Nothing is served here.")
        if self.fail_with is not None:
            raise self.fail_with
        self.coalitions += [tuple(members) for members in header["coalitions"]]
        plan: Any = SimpleNamespace(recipe=DEFAULT[header["recipe"]])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reply, raw = child._train(plan, header, block)
        told = json.loads(json.dumps(reply | {"tier": "A", "format": child.FORMAT}))
        return told, memoryview(raw)


@pytest.fixture
def fitting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fits]:
    """Lets this process fit what the runner would."""
    fits = Fits()

    def call(
        self: RunnerClient, header: dict[str, Any], block: memoryview, timeout_s: float
    ) -> tuple[dict[str, Any], memoryview]:
        return fits.call(header, block)

    monkeypatch.setattr(RunnerClient, "_call", call)
    with sklearn.config_context():
        yield fits


def gave(of: Bench, content: bytes, **fields: Any) -> Contribution:
    """Rows that were given to the bench's model and accepted."""
    made: Contribution = ContributionFactory(
        model=of.model, dataset_version=usable(of.project, content), status="accepted", **fields
    )
    return made


def worked() -> None:
    """Do what attributions ask workers for, until nothing is due."""
    due = Job.objects.claimable().filter(kind__in=("attribution", "coalitions"))
    while keys := list(due.values_list("pk", flat=True)):
        for key in keys:
            jobs.run(key)


def trained(of: Bench, *given: Any, base: slice, confirmed: bool = True) -> Comparison:
    """An accepted comparison of a candidate and the control that were fitted here.

    What the control and the candidate answered is kept as a comparison keeps it.
    """
    digests = (f"{of.model.pk * 10 + number:064x}" for number in range(3))
    baseline = of.version(next(digests), usable(of.project, table(base)))
    control = of.version(next(digests), *baseline.training_data.all())
    candidate = candidate_of(of, next(digests), baseline, *given)
    training = TrainingFactory(
        model=of.model,
        benchmark=of.benchmark,
        baseline=baseline,
        parameters=PARAMETERS,
        control=control,
        candidate=candidate,
        status="trained",
    )
    training.base.set(baseline.training_data.all())
    training.added.set(item.dataset_version for item in given)
    comparison: Comparison = ComparisonFactory(
        benchmark=of.benchmark,
        baseline=baseline,
        candidate=candidate,
        status="accepted",
        delta_ppm=GAIN_PPM,
    )
    _keep_halves(comparison, training)
    if confirmed:
        ConfirmationFactory(comparison=comparison, delta_ppm=GAIN_PPM - 10_000)
    return comparison


def _keep_halves(comparison: Comparison, training: Training) -> None:
    tables = tables_of(training)
    found = coalition_outcomes(
        comparison=comparison,
        recipe=training.recipe,
        parameters=training.parameters,
        seed=training.seeds[0],
        base=tables.base,
        players=[joined("all", list(tables.added.values()))],
        coalitions=[0, 1],
    )
    sides = (("control", training.control), ("candidate", training.candidate))
    for place, (role, version) in enumerate(sides):
        kept = keep_outcomes({comparison.benchmark.metric: found[place]})
        EvaluationFactory(
            comparison=comparison,
            version=version,
            role=role,
            row_count=len(found[place]),
            outcomes_digest=kept.digest,
            outcomes_root=kept.root,
            outcomes_secret=kept.secret,
        )
