import pytest

from contributions.fates import reasons_for
from tests.factories import ComparisonFactory, ContributionFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("received", "being_checked"),
        ("accepted", "not_used_yet"),
        ("used", "not_measured_yet"),
    ],
)
def test_a_contribution_that_waits_says_for_what(status: str, code: str) -> None:
    row = ContributionFactory(status=status)
    assert [reason["code"] for reason in reasons_for([row], ())[row.pk]] == [code]


def test_a_refused_contribution_gives_the_reasons_of_its_refusal() -> None:
    refusal = {"code": "unreadable", "message": "The file is empty."}
    row = ContributionFactory(status="refused", reasons=[refusal])
    assert reasons_for([row], ())[row.pk] == [refusal]


def test_data_of_a_refused_version_says_which_and_why() -> None:
    row = ContributionFactory(status="used")
    comparison = ComparisonFactory(
        status="refused", explanation="The candidate scores worse than the baseline."
    )
    comparison.candidate.training_data.add(row.dataset_version)
    (reason,) = reasons_for([row], ())[row.pk]
    assert reason["code"] == "no_improvement"
    assert f"v{comparison.candidate.number}" in reason["message"]
    assert "scores worse" in reason["message"]


def test_known_rows_in_an_improvement_say_so() -> None:
    row = ContributionFactory(status="used")
    comparison = ComparisonFactory(status="accepted")
    comparison.candidate.training_data.add(row.dataset_version)
    assert reasons_for([row], ())[row.pk][0]["code"] == "no_new_rows"


def test_credited_contributions_need_no_reason() -> None:
    row = ContributionFactory(status="used")
    assert reasons_for([row], {row.pk})[row.pk] == []
