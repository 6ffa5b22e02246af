from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contributions.impact import Slice, impact_of, leaderboard, metrics_with_credit
from contributions.models import Contribution, Share
from contributions.rollups import roll_up
from hokusai.accounts.models import Project
from hokusai.core.errors import NotFound
from tests.factories import (
    AttestationFactory,
    ContributionFactory,
    ContributorFactory,
    ImprovementFactory,
    ProjectFactory,
    ShareFactory,
    WalletFactory,
    wallet_address,
)

pytestmark = pytest.mark.django_db
FEBRUARY = datetime(2026, 2, 3, 12, tzinfo=UTC)


def share(
    project: Project,
    contributor: Any,
    basis_points: int,
    delta_ppm: int,
    *,
    attested: bool = True,
    **improvement: Any,
) -> Share:
    made = ImprovementFactory(
        comparison__benchmark__project=project, delta_ppm=delta_ppm, **improvement
    )
    row = ShareFactory(
        improvement=made,
        contribution=ContributionFactory(
            model=made.model, wallet=WalletFactory(contributor=contributor)
        ),
        basis_points=basis_points,
    )
    if attested:
        signed = AttestationFactory(improvement=made, signed_at=FEBRUARY)
        roll_up(statement_id=signed.statement_id)
    return row


@pytest.fixture
def project() -> Project:
    return ProjectFactory()


def only(project: Project) -> Any:
    return Project.objects.filter(pk=project.pk)


def test_credit_is_the_shares_part_of_the_confirmed_gain_rounded_down(project: Project) -> None:
    anna = ContributorFactory(name="Anna")
    first = share(project, anna, 3_333, 90_000, payable_ppm=72_500)
    impact = impact_of(first.contribution.wallet.address, only(project))
    [line] = impact.improvements
    assert (line.delta_ppm, line.payable_ppm, line.credited_ppm) == (90_000, 72_500, 24_164)
    assert line.attestation_id == first.improvement.attestation.statement_id
    [total] = impact.totals
    assert (impact.contributor, total.credited_ppm, total.rank, total.people) == (
        "Anna",
        24_164,
        1,
        1,
    )
    assert [given.credited_ppm for given in impact.contributions] == [24_164]
    assert [(line.month, line.credited_ppm) for line in impact.months] == [
        (date(2026, 2, 1), 24_164)
    ]


def test_a_person_is_the_sum_of_their_wallets(project: Project) -> None:
    anna = ContributorFactory()
    shares = [share(project, anna, 10_000, 30_000), share(project, anna, 5_000, 20_000)]
    for item in shares:
        [total] = impact_of(item.contribution.wallet.address, only(project)).totals
        assert (total.credited_ppm, total.shares) == (40_000, 2)


def test_what_was_not_confirmed_is_listed_with_its_reason_and_credits_nothing(
    project: Project,
) -> None:
    item = share(
        project,
        ContributorFactory(),
        10_000,
        30_000,
        payable_ppm=0,
        payable_reason="unconfirmed",
    )
    impact = impact_of(item.contribution.wallet.address, only(project))
    assert impact.totals == ()
    assert [(line.payable_reason, line.credited_ppm) for line in impact.improvements] == [
        ("unconfirmed", 0)
    ]


def test_without_a_signed_attestation_there_is_no_credit(project: Project) -> None:
    item = share(project, ContributorFactory(), 10_000, 30_000, attested=False)
    AttestationFactory(improvement=item.improvement, status="pending", statement_id="")
    impact = impact_of(item.contribution.wallet.address, only(project))
    [line] = impact.improvements
    assert (line.attestation_id, line.credited_ppm, impact.totals) == (None, 0, ())


def test_nobody_seen_gave_under_a_hidden_or_absent_address(project: Project) -> None:
    item = share(project, ContributorFactory(), 10_000, 30_000)
    for address in (item.contribution.wallet.address, wallet_address(), "0x12"):
        with pytest.raises(NotFound):
            impact_of(address, only(ProjectFactory()))


def test_only_seen_projects_are_summed_and_ranked(project: Project) -> None:
    anna, ben = ContributorFactory(), ContributorFactory()
    own = share(project, anna, 10_000, 10_000)
    share(ProjectFactory(), anna, 10_000, 70_000)
    share(project, ben, 10_000, 20_000)
    [total] = impact_of(own.contribution.wallet.address, only(project)).totals
    assert (total.credited_ppm, total.rank, total.people) == (10_000, 2, 2)
    [everywhere] = impact_of(own.contribution.wallet.address, Project.objects.all()).totals
    assert (everywhere.credited_ppm, everywhere.rank) == (80_000, 1)


def test_a_slice_holds_one_model_and_its_days(project: Project) -> None:
    anna = ContributorFactory()
    first, second = (share(project, anna, 10_000, gain) for gain in (10_000, 20_000))
    address, seen = first.contribution.wallet.address, only(project)
    [line] = impact_of(address, seen, Slice(model_id=second.improvement.model.model_id)).totals
    assert line.credited_ppm == 20_000
    assert impact_of(address, seen, Slice(until=date(2026, 2, 2))).totals == ()
    [line] = impact_of(address, seen, Slice(since=date(2026, 2, 3))).totals
    assert line.credited_ppm == 30_000
    assert impact_of(address, seen, Slice(project="another")).totals == ()


def test_withdrawn_data_is_not_listed(project: Project) -> None:
    item = share(project, ContributorFactory(), 10_000, 30_000)
    Contribution.objects.update(status="withdrawn")
    assert impact_of(item.contribution.wallet.address, only(project)).contributions == ()


def test_metrics_are_never_added_to_each_other(project: Project) -> None:
    anna = ContributorFactory()
    item = share(project, anna, 10_000, 30_000)
    share(project, anna, 10_000, 5_000, comparison__benchmark__metric="log_loss")
    totals = impact_of(item.contribution.wallet.address, only(project)).totals
    assert [(line.metric, line.credited_ppm) for line in totals] == [
        ("accuracy", 30_000),
        ("log_loss", 5_000),
    ]
    assert metrics_with_credit(only(project)) == ["accuracy", "log_loss"]


def test_the_leaderboard_ranks_persons_by_credit(project: Project) -> None:
    anna, ben, cleo = (ContributorFactory(name=name) for name in ("Anna", "Ben", "Cleo"))
    first = share(project, anna, 5_000, 20_000)
    share(project, anna, 10_000, 20_000)
    share(project, ben, 10_000, 30_000)
    share(ProjectFactory(), cleo, 10_000, 99_000)
    lines = leaderboard(only(project), "accuracy")
    assert [(line.name, line.credited_ppm, line.shares, line.rank) for line in lines] == [
        ("Anna", 30_000, 2, 1),
        ("Ben", 30_000, 1, 1),
    ]
    assert lines[0].address == first.contribution.wallet.address
    assert len(leaderboard(only(project), "accuracy", limit=1)) == 1
    assert leaderboard(only(ProjectFactory()), "accuracy") == []


def test_the_number_of_queries_does_not_grow_with_the_shares(project: Project) -> None:
    anna = ContributorFactory()
    item = share(project, anna, 10_000, 30_000)
    address, seen = item.contribution.wallet.address, only(project)
    with CaptureQueriesContext(
        connection,
    ) as one:
        impact_of(address, seen)
    for _ in range(3):
        share(project, anna, 10_000, 30_000)
    with CaptureQueriesContext(connection) as many:
        impact_of(address, seen)
    assert len(many) == len(one) <= 10
