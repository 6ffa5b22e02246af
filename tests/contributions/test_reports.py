import pytest

from contributions.reports import improvements_summary
from tests.factories import AttestationFactory, ProjectFactory, ShareFactory, UserFactory, member

pytestmark = pytest.mark.django_db


def test_the_summary_counts_improvements_proofs_and_people() -> None:
    project = ProjectFactory()
    first, second = (
        ShareFactory(improvement__comparison__benchmark__project=project) for _ in range(2)
    )
    AttestationFactory(improvement=first.improvement)
    second.improvement.payable_ppm = 0
    second.improvement.save()
    ShareFactory()
    summary = improvements_summary(member(project))
    assert (summary.count, summary.confirmed, summary.attested) == (2, 1, 1)
    assert summary.contributors == 2
    nothing = improvements_summary(UserFactory())
    assert (nothing.count, nothing.attested, nothing.contributors) == (0, 0, 0)
