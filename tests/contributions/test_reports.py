from typing import Any

import pytest

from contributions.models import Contribution, Share
from contributions.reports import impact_of, improvements_summary, leaderboard
from hokusai.accounts.choices import Visibility
from hokusai.accounts.models import Project
from hokusai.core.errors import NotFound
from tests.factories import (
    AttestationFactory,
    ContributionFactory,
    ContributorFactory,
    ImprovementFactory,
    ProjectFactory,
    ShareFactory,
    UserFactory,
    WalletFactory,
    member,
    wallet_address,
)

pytestmark = pytest.mark.django_db


def share(project: Project, contributor: Any, basis_points: int, delta_ppm: int) -> Share:
    improvement = ImprovementFactory(comparison__benchmark__project=project, delta_ppm=delta_ppm)
    wallet = WalletFactory(contributor=contributor)
    return ShareFactory(
        improvement=improvement,
        contribution=ContributionFactory(model=improvement.model, wallet=wallet),
        basis_points=basis_points,
    )


@pytest.fixture
def project() -> Project:
    return ProjectFactory()


def test_credit_is_the_shares_part_of_the_gain_rounded_down(project: Project) -> None:
    anna = ContributorFactory(name="Anna")
    first = share(project, anna, 3_333, 72_500)
    AttestationFactory(improvement=first.improvement)
    impact = impact_of(first.contribution.wallet.address, member(project))
    [line] = impact.improvements
    assert (line.delta_ppm, line.basis_points, line.credited_ppm) == (72_500, 3_333, 24_164)
    assert line.attestation_id == first.improvement.attestation.statement_id
    assert (impact.contributor, impact.total_credited_ppm, impact.rank) == ("Anna", 24_164, 1)
    assert [given.credited_ppm for given in impact.contributions] == [24_164]


def test_a_person_is_the_sum_of_their_wallets(project: Project) -> None:
    anna = ContributorFactory()
    shares = [share(project, anna, 10_000, 30_000), share(project, anna, 5_000, 20_000)]
    viewer = member(project)
    totals = {
        impact_of(item.contribution.wallet.address, viewer).total_credited_ppm for item in shares
    }
    assert totals == {40_000}


def test_a_gain_beyond_two_billionths_of_products_is_still_summed(project: Project) -> None:
    item = share(project, ContributorFactory(), 10_000, 900_000)
    viewer = member(project)
    assert leaderboard(viewer)[0].credited_ppm == 900_000
    assert impact_of(item.contribution.wallet.address, viewer).rank == 1


def test_an_unsigned_attestation_proves_nothing_yet(project: Project) -> None:
    item = share(project, ContributorFactory(), 10_000, 30_000)
    AttestationFactory(improvement=item.improvement, status="pending", statement_id="")
    [line] = impact_of(item.contribution.wallet.address, member(project)).improvements
    assert line.attestation_id is None


def test_an_address_that_nobody_gave_under_is_not_found() -> None:
    with pytest.raises(NotFound):
        impact_of(wallet_address(), UserFactory())


def test_what_a_viewer_may_not_see_is_neither_listed_nor_counted(project: Project) -> None:
    item = share(project, ContributorFactory(), 10_000, 30_000)
    impact = impact_of(item.contribution.wallet.address, UserFactory())
    assert (impact.improvements, impact.contributions) == ((), ())
    assert (impact.total_credited_ppm, impact.rank) == (0, None)
    project.visibility = Visibility.PUBLIC
    project.save()
    seen = impact_of(item.contribution.wallet.address, UserFactory())
    assert seen.total_credited_ppm == 30_000


def test_withdrawn_data_is_not_listed(project: Project) -> None:
    item = share(project, ContributorFactory(), 10_000, 30_000)
    Contribution.objects.update(status="withdrawn")
    assert impact_of(item.contribution.wallet.address, member(project)).contributions == ()


def test_the_leaderboard_ranks_persons_by_credit_in_the_viewers_projects(
    project: Project,
) -> None:
    anna, ben, cleo = (ContributorFactory(name=name) for name in ("Anna", "Ben", "Cleo"))
    first = share(project, anna, 5_000, 20_000)
    share(project, anna, 10_000, 20_000)
    share(project, ben, 10_000, 25_000)
    share(ProjectFactory(), cleo, 10_000, 99_000)
    viewer = member(project)
    lines = leaderboard(viewer)
    assert [(line.name, line.credited_ppm, line.improvements) for line in lines] == [
        ("Anna", 30_000, 2),
        ("Ben", 25_000, 1),
    ]
    assert lines[0].address == first.contribution.wallet.address
    assert len(leaderboard(viewer, limit=1)) == 1
    assert leaderboard(UserFactory()) == []


def test_equal_credit_is_an_equal_rank(project: Project) -> None:
    items = [share(project, ContributorFactory(), 10_000, gain) for gain in (9, 9, 5)]
    viewer = member(project)
    ranks = [impact_of(item.contribution.wallet.address, viewer).rank for item in items]
    assert ranks == [1, 1, 2]


def test_the_summary_counts_gains_signatures_and_people(project: Project) -> None:
    anna = ContributorFactory()
    AttestationFactory(improvement=share(project, anna, 10_000, 20_000).improvement)
    share(project, anna, 10_000, 30_000)
    summary = improvements_summary(member(project))
    assert (summary.count, summary.total_delta_ppm) == (2, 50_000)
    assert (summary.attested, summary.contributors) == (1, 1)
    nothing = improvements_summary(UserFactory())
    assert (nothing.count, nothing.total_delta_ppm, nothing.contributors) == (0, 0, 0)
