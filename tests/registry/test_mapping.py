import pytest

from registry.mapping import project_of_run, server_of
from tests.factories import (
    ModelVersionFactory,
    ProjectFactory,
    TrackedExperimentFactory,
    TrackedVersionFactory,
)

pytestmark = pytest.mark.django_db
RUN = "e" * 32


def test_a_run_that_nobody_claims_is_of_no_project() -> None:
    ModelVersionFactory(run_id=RUN, artifact_state="pending", tree_digest="")
    assert project_of_run(RUN) is None


def test_a_run_is_of_the_project_that_copied_it_first() -> None:
    first = ModelVersionFactory(run_id=RUN)
    ModelVersionFactory(run_id=RUN)
    assert project_of_run(RUN) == first.project_id


def test_the_mapping_of_its_experiment_goes_before_who_copied_it() -> None:
    ModelVersionFactory(run_id=RUN)
    project = ProjectFactory()
    TrackedVersionFactory(run_id=RUN, experiment=TrackedExperimentFactory(project=project))
    assert project_of_run(RUN) == project.pk


def test_a_version_is_copied_from_the_server_that_it_was_imported_from() -> None:
    imported, own = ModelVersionFactory(), ModelVersionFactory()
    TrackedVersionFactory(server="elsewhere", version=imported, state="linked")
    assert (server_of(imported), server_of(own)) == ("elsewhere", "default")
