"""A training from its request to the comparison, with a real runner on digits."""

import numpy as np
import pytest

from experiments import services
from experiments.coalitions import coalition_outcomes
from experiments.models import Comparison, Training
from experiments.outcomes import read_outcomes
from experiments.seeds import seed_spread
from experiments.training_tables import tables_of
from hokusai.accounts.services import actor_of
from hokusai.core import jobs
from hokusai.core.errors import Conflict
from hokusai.core.models import Event
from registry.models import DatasetVersion, ModelVersion
from tests.measuring import (
    ANNA,
    BASE,
    BEN,
    Bench,
    Workshop,
    bench,
    settle,
    table,
    usable,
    work,
)

pytestmark = pytest.mark.django_db
PARAMETERS = {"max_iter": 100}


def line(
    measuring: Workshop, *parts: slice, shift: int = 0
) -> tuple[Bench, ModelVersion, list[DatasetVersion]]:
    """A baseline of the base rows, and tables to add."""
    of = bench()
    base = usable(of.project, table(BASE))
    baseline = of.version(measuring.model("baseline"), base)
    added = [usable(of.project, table(part, shift=shift)) for part in parts]
    return of, baseline, added


def asked(of: Bench, added: list[DatasetVersion], **stated: object) -> Training:
    return services.request_training(
        model=of.model,
        benchmark=of.benchmark,
        recipe="scikit-learn",
        parameters=PARAMETERS,
        added=added,
        actor=actor_of(of.engineer),
        **stated,
    )


def test_a_training_makes_a_control_and_a_candidate_and_has_them_compared(
    measuring: Workshop,
) -> None:
    of, baseline, added = line(measuring, ANNA, BEN)
    training = asked(of, added)
    settle()
    training.refresh_from_db()
    assert (training.status, training.explanation) == ("trained", "")
    control, candidate = training.control, training.candidate
    assert control is not None
    assert candidate is not None
    assert (control.parent, candidate.parent) == (baseline, baseline)
    assert set(control.training_data.all()) == set(training.base.all())
    assert set(candidate.training_data.all()) == {*training.base.all(), *added}
    assert control.tags.get(key="arm").value == "control"
    assert {control.artifact_state, candidate.artifact_state} == {"ready"}
    assert candidate.scan.verdict == "clean"
    comparison = Comparison.objects.get(candidate=candidate)
    assert (comparison.baseline, comparison.status) == (baseline, "accepted")
    assert comparison.requested_by == of.engineer
    assert {row.role for row in comparison.evaluations.all()} == {
        "baseline",
        "candidate",
        "control",
    }
    _full_coalition_gives_the_candidates_outcomes(training, comparison)
    _spread_is_told_by_seed(comparison)


def _full_coalition_gives_the_candidates_outcomes(
    training: Training, comparison: Comparison
) -> None:
    tables = tables_of(training)
    found = coalition_outcomes(
        comparison=comparison,
        recipe=training.recipe,
        parameters=training.parameters,
        seed=training.seeds[0],
        base=tables.base,
        players=list(reversed(tables.added.values())),
        coalitions=[0, 3],
    )
    for place, role in enumerate(("control", "candidate")):
        own = read_outcomes(comparison.evaluations.get(role=role))[comparison.benchmark.metric]
        assert np.array_equal(found[place], own)


def _spread_is_told_by_seed(comparison: Comparison) -> None:
    attempts = Comparison.objects.count()
    spread = seed_spread(comparison)
    assert spread is not None
    assert spread.seeds == (1, 2, 3)
    assert spread.deltas_ppm[0] == comparison.delta_ppm
    assert spread.min_ppm <= spread.deltas_ppm[0] <= spread.max_ppm
    assert Comparison.objects.count() == attempts


def test_a_training_killed_before_its_result_is_repeated_and_registered_once(
    measuring: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    of, _, added = line(measuring, ANNA)
    training = asked(of, added)

    def killed(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr("experiments.trainings._register", killed)
        with pytest.raises(SystemExit):
            jobs.run(training.job_id)
    Training._meta.get_field("job").related_model.objects.filter(pk=training.job_id).update(
        status="queued", lease_expires_at=None
    )
    work(training.job)
    work(training.job)
    training.refresh_from_db()
    assert training.status == "trained"
    assert ModelVersion.objects.filter(source__startswith="made:/").count() == 2


def test_rows_that_the_baseline_had_make_no_candidate(measuring: Workshop) -> None:
    of, _, added = line(measuring, BASE, shift=1)
    training = asked(of, added)
    assert work(training.job).status == "failed"
    training.refresh_from_db()
    assert training.status == "failed"
    assert "No added row is new" in training.explanation
    assert Event.objects.filter(tag="training:failed", subject=training.public_id).exists()
    # Nothing is under way any more, so that another one may be asked for.
    assert asked(of, [usable(of.project, table(ANNA))]).status == "requested"


def test_only_one_training_of_a_model_is_under_way(measuring: Workshop) -> None:
    of, _, added = line(measuring, ANNA)
    asked(of, added)
    with pytest.raises(Conflict, match="under way"):
        asked(of, added)
