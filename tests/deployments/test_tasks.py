import pytest

from deployments import tasks
from deployments.choices import RevisionStatus
from deployments.providers import ServeSpec
from tests.factories import RevisionFactory

pytestmark = pytest.mark.django_db


def test_the_tasks_that_schedule_and_services_name_exist_and_do_their_work(memory):
    live, retired = (
        RevisionFactory(status=RevisionStatus.LIVE),
        RevisionFactory(status=RevisionStatus.RETIRED),
    )
    memory.served[retired.public_id] = ServeSpec(retired.public_id, "prj_a", retired.digest, 1)
    assert tasks.end_revision.name == "deployments.end_revision"
    tasks.end_revision(retired.public_id)
    assert memory.served == {}
    assert tasks.watch_revisions.name == "deployments.watch_revisions"
    tasks.watch_revisions()
    assert set(memory.served) == {live.public_id}
