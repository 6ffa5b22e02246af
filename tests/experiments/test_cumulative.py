from typing import Any

import pytest

from experiments import services
from experiments.models import Attempt, CumulativeGain
from experiments.receivers import MeasureCumulativeGain
from hokusai.accounts.services import actor_of
from hokusai.core.errors import InvalidInput
from hokusai.core.events import SYSTEM
from hokusai.core.models import Event, Job
from registry.models import Model, ModelVersion
from tests.answers import classes, content
from tests.factories import (
    BenchmarkFactory,
    ComparisonFactory,
    EventFactory,
    ImprovementFactory,
    LineageEdgeFactory,
    LineageNodeFactory,
    ModelVersionFactory,
    member,
)
from tests.measuring import usable, work

pytestmark = pytest.mark.django_db


def line(**fields: Any) -> tuple[Model, ModelVersion, ModelVersion]:
    """A model whose second version leads, accepted on an approved benchmark."""
    comparison = ComparisonFactory(status="accepted", **fields)
    model = comparison.candidate.model
    model.head = comparison.candidate
    model.save()
    return model, comparison.baseline, comparison.candidate


def test_the_head_is_measured_against_the_first_version_and_never_summed(
    answering: dict[str, Any],
) -> None:
    model, first, head = line()
    draft = services.create_benchmark(
        project=model.project,
        slug="b",
        name="B",
        dataset_version=usable(model.project, content()),
        actor=actor_of(member(model.project, "engineer")),
        features=["x"],
        label_column="label",
        confirmation_ppm=250_000,
    )
    reviewer = actor_of(member(model.project, "reviewer"))
    benchmark = services.approve_benchmark(benchmark_id=draft.pk, actor=reviewer)
    answering |= {first.tree_digest: classes(6), head.tree_digest: classes(1)}
    asked = services.measure_cumulative_gain(model=model, benchmark=benchmark, actor=SYSTEM)
    assert (asked.first, asked.head) == (first, head)
    assert work(asked.job).status == "succeeded"
    gain = CumulativeGain.objects.get()
    assert gain.measured_at is not None
    assert gain.delta_ppm is not None
    assert gain.low_ppm is not None
    assert gain.high_ppm is not None
    assert 300_000 < gain.low_ppm < gain.delta_ppm < gain.high_ppm
    assert not Attempt.objects.exists()
    event = Event.objects.get(tag="gain:measured")
    assert event.after["delta_ppm"] == gain.delta_ppm
    again = services.measure_cumulative_gain(model=model, benchmark=benchmark, actor=SYSTEM)
    assert again == gain
    assert Job.objects.filter(kind="cumulative_gain").count() == 1


def test_it_is_measured_on_the_benchmark_that_decided_last() -> None:
    model, _, _ = line()
    gain = services.measure_cumulative_gain(model=model, actor=SYSTEM)
    assert gain.benchmark == services.benchmark_of(model)


def test_a_measurement_that_failed_is_tried_again() -> None:
    model, _, _ = line()
    gain = services.measure_cumulative_gain(model=model, actor=SYSTEM)
    Job.objects.filter(pk=gain.job_id).update(status="failed")
    again = services.measure_cumulative_gain(model=model, actor=SYSTEM)
    assert again.job is not None
    assert Job.objects.get(pk=again.job.pk).status == "queued"


def test_there_must_be_a_head_another_than_the_first_and_a_benchmark() -> None:
    model, first, _ = line()
    retired = BenchmarkFactory(project=model.project, status="retired")
    foreign = BenchmarkFactory()
    for benchmark in (retired, foreign):
        with pytest.raises(InvalidInput):
            services.measure_cumulative_gain(model=model, benchmark=benchmark, actor=SYSTEM)
    model.head = first
    model.save()
    with pytest.raises(InvalidInput, match="first version"):
        services.measure_cumulative_gain(model=model, actor=SYSTEM)
    lonely = ModelVersionFactory().model
    with pytest.raises(InvalidInput, match="No approved benchmark"):
        services.measure_cumulative_gain(model=lonely, actor=SYSTEM)


def test_an_improvement_asks_for_it_once() -> None:
    model, _, head = line()
    comparison = head.comparisons.get()
    improvement = ImprovementFactory(comparison=comparison)
    LineageEdgeFactory(
        src=LineageNodeFactory(public_id=comparison.public_id),
        dst=LineageNodeFactory(public_id=improvement.public_id),
        kind="improved",
    )
    event = EventFactory(tag="improvement:recorded", subject=improvement.public_id)
    for _ in range(2):
        MeasureCumulativeGain().receive(event, operation_id="1")
    assert CumulativeGain.objects.get().model == model


def test_an_improvement_without_anything_to_measure_is_passed_by() -> None:
    event = EventFactory(tag="improvement:recorded", subject="imp_" + "0" * 32)
    MeasureCumulativeGain().receive(event, operation_id="1")
    assert not CumulativeGain.objects.exists()
