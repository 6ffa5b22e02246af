from collections.abc import Sequence
from typing import Any

import pytest

from contributions.building import build_candidate, plan_candidate
from contributions.choices import ContributionStatus
from contributions.services import withdraw_contribution
from experiments.exceptions import RecipeUnusable
from experiments.models import Training
from hokusai.accounts.services import actor_of
from hokusai.core.errors import Conflict, InvalidInput
from hokusai.core.models import Event
from tests.contributions.candidates import OTHERS, Line, line
from tests.factories import ContributionFactory, ModelVersionFactory, UserFactory

pytestmark = pytest.mark.django_db


def build(of: Line, contributions: Sequence[str] | None = None, **stated: Any) -> Training:
    return build_candidate(
        model=of.model,
        benchmark=of.benchmark,
        actor=actor_of(UserFactory()),
        contributions=contributions,
        **{"recipe": "scikit-learn", **stated},
    )


def test_everything_accepted_that_fits_is_in_the_candidate() -> None:
    of = line()
    first, second = of.given(), of.given()
    of.given(status="received")
    of.given(status="used")
    misfit = of.given(columns=OTHERS)
    plan = plan_candidate(of.model, of.benchmark)
    assert plan.contributions == (first, second)
    assert [left.contribution for left in plan.left_out] == [misfit]
    assert "'x'" in plan.left_out[0].reason
    assert (plan.baseline, plan.rows, plan.obstacle) == (of.baseline, 20, "")
    training = build(of)
    assert list(training.base.all()) == [of.base]
    assert set(training.added.all()) == {first.dataset_version, second.dataset_version}
    assert (training.baseline, training.status) == (of.baseline, "requested")
    assert training.seeds == [1, 2, 3]
    assert training.parameters["model"] == "logistic_regression"
    assert training.job is not None
    assert Event.objects.filter(tag="training:requested", subject=training.public_id).exists()


def test_a_choice_may_hold_what_an_earlier_version_was_made_from() -> None:
    of = line()
    used, waiting = of.given(status="used"), of.given()
    training = build(of, [used.public_id])
    assert set(training.added.all()) == {used.dataset_version}
    assert waiting.dataset_version not in training.added.all()


@pytest.mark.parametrize("status", ["received", "refused", "withdrawn"])
def test_what_was_not_accepted_is_in_no_candidate(status: str) -> None:
    of = line()
    given = of.given(status=status)
    with pytest.raises(InvalidInput, match="no accepted contribution"):
        build(of, [given.public_id])


def test_what_was_given_to_another_model_is_in_no_candidate() -> None:
    of = line()
    foreign = ContributionFactory(status="accepted")
    with pytest.raises(InvalidInput, match="no accepted contribution"):
        build(of, [foreign.public_id])


def test_without_an_accepted_contribution_nothing_is_built() -> None:
    of = line()
    assert "nothing to build from" in plan_candidate(of.model, of.benchmark).obstacle
    with pytest.raises(Conflict, match="nothing to build from"):
        build(of)


def test_contributions_that_do_not_fit_are_said_to() -> None:
    of = line()
    of.given(columns=OTHERS)
    with pytest.raises(Conflict, match="No waiting contribution fits"):
        build(of)


def test_a_baseline_that_states_no_data_cannot_be_built_on() -> None:
    of = line()
    of.given()
    of.baseline.training_data.clear()
    with pytest.raises(Conflict, match="does not say what it was trained on"):
        build(of)


def test_a_candidate_starts_from_the_head_of_the_line() -> None:
    of = line()
    of.given()
    head = ModelVersionFactory(model=of.model)
    head.training_data.add(of.base)
    ModelVersionFactory(model=of.model)
    of.model.head = head
    of.model.save()
    assert build(of).baseline == head


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"recipe": "none"}, "no such recipe"),
        ({"parameters": {"C": -1}}, "C is above 0"),
        ({"parameters": {"unknown": 1}}, "no parameter"),
    ],
)
def test_a_recipe_and_its_parameters_are_checked_before_any_work(
    stated: dict[str, Any], said: str
) -> None:
    of = line()
    of.given()
    with pytest.raises(RecipeUnusable, match=said):
        build(of, **stated)
    assert not Training.objects.exists()


@pytest.mark.parametrize("seeds", [[1, 2], [1, 1, 2], [1, 2, -3], list(range(21))])
def test_seeds_are_three_or_more_and_different(seeds: list[int]) -> None:
    of = line()
    of.given()
    with pytest.raises(InvalidInput):
        build(of, seeds=seeds)


def test_what_a_training_uses_is_not_taken_back() -> None:
    of = line()
    given = of.given()
    build(of)
    with pytest.raises(Conflict, match="is being trained"):
        withdraw_contribution(contribution_id=given.pk, actor=actor_of(given.submitted_by))
    given.refresh_from_db()
    assert given.status == ContributionStatus.ACCEPTED


def test_more_givers_than_credit_can_be_attributed_among_are_refused_before_any_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("contributions.algorithms.coalitions.MAX_PLAYERS", 1)
    of = line()
    first, _second = of.given(), of.given()
    with pytest.raises(InvalidInput, match=r"Name some of the contributions\."):
        build(of)
    assert not Training.objects.exists()
    assert build(of, [first.public_id]).added.count() == 1
