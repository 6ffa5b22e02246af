import pytest

from contributions.models import Share
from contributions.rollups import roll_up
from tests.factories import (
    AttestationFactory,
    ModelFactory,
    ShareFactory,
    client_as,
    wallet_address,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def share() -> Share:
    """A person's 60 % of five percentage points, attested."""
    row = ShareFactory(basis_points=6_000)
    roll_up(statement_id=AttestationFactory(improvement=row.improvement).statement_id)
    return row


def test_impact_tells_what_came_of_a_contributor_s_data(share: Share) -> None:
    address = share.contribution.wallet.address
    client = client_as(share.improvement.project, "viewer")
    impact = client.get(f"/api/v1/contributors/{address}/impact").json()
    [total] = impact["totals"]
    assert (total["metric"], total["credited_ppm"], total["rank"]) == ("accuracy", 30_000, 1)
    [line] = impact["improvements"]
    assert (line["basis_points"], line["credited_ppm"]) == (6_000, 30_000)
    assert line["attestation_id"] == share.improvement.attestation.statement_id
    person = client.get(f"/api/v1/contributors/{address}").json()
    assert person["totals"] == impact["totals"]


def test_a_time_before_the_signature_holds_no_credit(share: Share) -> None:
    client = client_as(share.improvement.project, "viewer")
    url = f"/api/v1/contributors/{share.contribution.wallet.address}/impact"
    assert client.get(url, {"until": "2000-01-01"}).json()["totals"] == []
    wrong = client.get(url, {"since": "2026-02-02", "until": "2026-02-01"})
    assert (wrong.status_code, "before since" in wrong.content.decode()) == (400, True)
    assert client.get(url, {"colour": "red"}).status_code == 400


def test_hidden_and_absent_contributors_are_the_same(share: Share) -> None:
    outsider = client_as(ModelFactory().project)
    answers = []
    for address in (share.contribution.wallet.address, wallet_address()):
        for path in ("", "/impact"):
            answer = outsider.get(f"/api/v1/contributors/{address}{path}")
            assert answer.status_code == 404
            answers.append(answer.json()["message"].replace(address, ""))
    assert len(set(answers)) == 1


def test_the_leaderboard_names_metrics_and_people(share: Share) -> None:
    body = client_as(share.improvement.project, "viewer").get("/api/v1/leaderboard").json()
    assert (body["metric"], body["metrics"]) == ("accuracy", ["accuracy"])
    [line] = body["results"]
    assert (line["rank"], line["credited_ppm"]) == (1, 30_000)
    outside = client_as(ModelFactory().project).get("/api/v1/leaderboard").json()
    assert outside == {"metric": "", "metrics": [], "results": []}
