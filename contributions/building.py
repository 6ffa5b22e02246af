"""Candidates that the platform builds itself from what people gave, without an engineer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from contributions.algorithms.coalitions import MAX_PLAYERS, CoalitionError, check_players
from contributions.choices import ContributionStatus
from contributions.models import Contribution, Contributor
from experiments import services as experiments
from experiments.models import Benchmark, Training
from hokusai.core.errors import Conflict, InvalidInput
from hokusai.core.events import Actor
from registry.models import Model, ModelVersion


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A contribution that waits, and why this candidate cannot use it."""

    contribution: Contribution
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a candidate would be made from now. `obstacle`: why none can be; empty where one can.

    `rows`: of the contributions as given; rows that the baseline has already are left out later.
    """

    baseline: ModelVersion | None
    contributions: tuple[Contribution, ...]
    left_out: tuple[LeftOut, ...]
    obstacle: str

    @property
    def rows(self) -> int:
        """Rows that were given."""
        return sum(given.dataset_version.row_count or 0 for given in self.contributions)


def plan_candidate(model: Model, benchmark: Benchmark) -> Plan:
    """Accepted contributions that no version was made from, sorted by whether they fit."""
    fitting, left_out = [], []
    for given in waiting_for(model):
        if reason := experiments.misfit(given.dataset_version, benchmark):
            left_out.append(LeftOut(given, reason))
        else:
            fitting.append(given)
    baseline = experiments.starting_point(model)
    obstacle = _obstacle(model, baseline, fitting, left_out)
    return Plan(baseline, tuple(fitting), tuple(left_out), obstacle)


def waiting_for(model: Model) -> list[Contribution]:
    """Accepted contributions to a model that no version was made from, oldest first."""
    found = Contribution.objects.filter(model=model, status=ContributionStatus.ACCEPTED)
    return list(found.with_names().select_related("dataset_version__dataset").order_by("pk"))


@transaction.atomic
def build_candidate(
    *,
    model: Model,
    benchmark: Benchmark,
    actor: Actor,
    recipe: str,
    parameters: Mapping[str, Any] | None = None,
    seeds: Sequence[int] = experiments.DEFAULT_SEEDS,
    contributions: Sequence[str] | None = None,
) -> Training:
    """Train a candidate from what was given to a model; its comparison follows by itself.

    `contributions`: public ids, also of data that earlier versions were made from; without them
    every accepted one that no version was made from and that fits the benchmark. Raises
    InvalidInput, also for more givers than credit can be attributed among, RecipeUnusable, and
    Conflict where nothing waits or a training is under way.
    """
    if contributions is None:
        plan = plan_candidate(model, benchmark)
        if plan.obstacle:
            raise Conflict(plan.obstacle)
        chosen = list(plan.contributions)
    else:
        chosen = _named(model, contributions)
    _check_givers(chosen)
    return experiments.request_training(
        model=model,
        benchmark=benchmark,
        recipe=recipe,
        parameters=parameters,
        seeds=seeds,
        added=[given.dataset_version for given in _kept(chosen)],
        actor=actor,
    )


def _check_givers(chosen: Sequence[Contribution]) -> None:
    """Refuse before the training what its attribution would refuse after it."""
    wallets = {given.wallet_id for given in chosen}
    givers = Contributor.objects.filter(wallets__in=wallets).distinct().count()
    try:
        check_players(givers)
    except CoalitionError as error:
        raise InvalidInput(
            f"{error} Name some of the contributions.", givers=givers, limit=MAX_PLAYERS
        ) from error


def _obstacle(
    model: Model,
    baseline: ModelVersion | None,
    fitting: Sequence[Contribution],
    left_out: Sequence[LeftOut],
) -> str:
    if baseline is None:
        return f"{model} has no version that is ready; register a baseline first."
    if not fitting and left_out:
        return f"No waiting contribution fits the benchmark: {left_out[0].reason}"
    if not fitting:
        return "No contribution is accepted and waiting; there is nothing to build from."
    return ""


def _named(model: Model, public_ids: Sequence[str]) -> list[Contribution]:
    found = {
        given.public_id: given
        for given in Contribution.objects.filter(model=model, public_id__in=public_ids)
        .trainable()
        .order_by("pk")
    }
    for public_id in public_ids:
        if public_id not in found:
            raise InvalidInput(
                "The model has no accepted contribution of this id.", contribution=public_id[:60]
            )
    if not found:
        raise InvalidInput("Name at least one contribution, or none for all that wait.")
    return list(found.values())


def _kept(chosen: Sequence[Contribution]) -> list[Contribution]:
    """The rows locked to the end of the transaction: nobody takes them back meanwhile."""
    found = Contribution.objects.select_for_update(of=("self",)).trainable()
    kept = found.filter(pk__in=[given.pk for given in chosen])
    return list(kept.select_related("dataset_version__dataset__project").order_by("pk"))
