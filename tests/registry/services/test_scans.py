import pytest

from hokusai.accounts.services import actor_of
from hokusai.core.errors import Conflict, InvalidInput
from hokusai.core.events import SYSTEM
from hokusai.core.models import Event
from registry import services
from registry.exceptions import NotIndependent
from registry.models import ArtifactScan
from tests.factories import (
    ArtifactScanFactory,
    ContributionFactory,
    ModelVersionFactory,
    api_key,
    member,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def scan() -> ArtifactScan:
    found: ArtifactScan = ArtifactScanFactory(verdict="suspicious", findings=[{"kind": "import"}])
    return found


def test_a_reviewer_lets_what_was_found_pass_once(scan: ArtifactScan) -> None:
    reviewer = member(scan.version.project, "reviewer")
    services.review_scan(
        version_id=scan.version.pk, comment="a known import", actor=actor_of(reviewer)
    )
    scan.refresh_from_db()
    assert (scan.reviewed_by, scan.review_comment) == (reviewer, "a known import")
    assert scan.reviewed_at is not None
    assert Event.objects.filter(tag="scan:reviewed", subject=scan.version.public_id).exists()
    with pytest.raises(Conflict):
        services.review_scan(version_id=scan.version.pk, comment="again", actor=actor_of(reviewer))


def test_whoever_has_a_part_in_the_version_reviews_nothing(scan: ArtifactScan) -> None:
    given = ContributionFactory(model=scan.version.model)
    scan.version.training_data.add(given.dataset_version)
    reviewer = member(scan.version.project, "reviewer")
    key, _ = api_key(scan.version.project, owner=reviewer)
    author, giver = scan.version.registered_by, given.submitted_by
    for actor in (actor_of(author), actor_of(giver), actor_of(reviewer, key), SYSTEM):
        with pytest.raises(NotIndependent):
            services.review_scan(version_id=scan.version.pk, comment="fine", actor=actor)


def test_a_reason_is_asked_for(scan: ArtifactScan) -> None:
    reviewer = actor_of(member(scan.version.project, "reviewer"))
    with pytest.raises(InvalidInput):
        services.review_scan(version_id=scan.version.pk, comment="  ", actor=reviewer)


def test_without_a_finding_there_is_nothing_to_review() -> None:
    clean = ArtifactScanFactory().version
    for version in (clean, ModelVersionFactory(model=clean.model)):
        reviewer = actor_of(member(clean.project, "reviewer"))
        with pytest.raises(Conflict):
            services.review_scan(version_id=version.pk, comment="fine", actor=reviewer)
