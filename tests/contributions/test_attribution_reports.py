from typing import Any

import pytest

from contributions.attribution_reports import attribution_of, attribution_view, sees_givers
from contributions.models import Attribution, CoalitionBatch
from hokusai.accounts.choices import Role
from hokusai.accounts.models import User
from tests.factories import (
    AttributionFactory,
    ImprovementFactory,
    ProjectFactory,
    UserFactory,
    WalletFactory,
    member,
)

pytestmark = pytest.mark.django_db


def done(**fields: Any) -> Attribution:
    """An attribution of two persons in a public project; the first is somebody who may log in."""
    wallet = WalletFactory(contributor__user=UserFactory())
    other = WalletFactory()
    players = [
        {
            "contributor": one.contributor.public_id,
            "address": one.address,
            "contributions": {f"ctr_{number}": 10},
        }
        for number, one in enumerate((wallet, other))
    ]
    values = [
        {"value_ppm": 9_000, "low_ppm": 1_000, "high_ppm": 17_000, "basis_points": 10_000},
        {"value_ppm": 500, "low_ppm": -900, "high_ppm": 1_900, "basis_points": 0},
    ]
    project = ProjectFactory(visibility="public")
    improvement = ImprovementFactory(comparison__benchmark__project=project)
    stated = {"improvement": improvement, "status": "done", "players": players, "values": values}
    made: Attribution = AttributionFactory(**(stated | fields))
    return made


def names(attribution: Attribution, user: User) -> list[str]:
    view = attribution_view(attribution, attribution.credited, user)
    return [line.name for line in view.players]


def test_members_see_who_gave() -> None:
    attribution = done()
    viewer = member(attribution.project, Role.VIEWER)
    assert sees_givers(viewer, attribution.credited)
    assert names(attribution, viewer) == [one["address"] for one in attribution.players]


def test_outsiders_see_values_and_pseudonyms() -> None:
    attribution = done()
    outsider = UserFactory()
    assert names(attribution, outsider) == ["contributor 1", "contributor 2"]
    view = attribution_view(attribution, attribution.credited, outsider)
    for line in view.players:
        assert (line.address, line.contributions, line.new_rows) == (None, (), None)
    assert [line.value_ppm for line in view.players] == [9_000, 500]


def test_who_gave_finds_the_own_line_and_no_other() -> None:
    attribution = done()
    giver = User.objects.get(contributor__public_id=attribution.players[0]["contributor"])
    assert names(attribution, giver) == [attribution.players[0]["address"], "contributor 2"]


def test_other_methods_stand_beside_it_and_pay_nothing() -> None:
    attribution = done()
    AttributionFactory(improvement=None, alternative_to=attribution, method="leave-one-out/1")
    view = attribution_view(attribution, attribution.credited, UserFactory())
    [other] = view.alternatives
    assert (other.method, other.decides, other.payable_ppm) == ("leave-one-out/1", False, 0)
    assert view.decides


def test_progress_counts_the_batches_that_are_done() -> None:
    attribution = done(status="pending")
    for number, digest in enumerate(["", "1" * 64, "2" * 64]):
        CoalitionBatch.objects.create(
            attribution=attribution, number=number, masks=[number], outcomes_digest=digest
        )
    view = attribution_view(attribution, attribution.credited, UserFactory())
    assert (view.batches, view.batches_done) == (3, 2)


def test_gains_from_before_attributions_have_none() -> None:
    assert attribution_of(ImprovementFactory()) is None
