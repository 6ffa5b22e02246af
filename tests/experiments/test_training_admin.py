import pytest
from django.urls import reverse

from hokusai.accounts.choices import Role
from hokusai.accounts.models import Project
from tests.factories import (
    ComparisonFactory,
    DatasetVersionFactory,
    EvaluationFactory,
    ModelVersionFactory,
    ProjectFactory,
    TrainingFactory,
)
from tests.staff import staff_in

pytestmark = pytest.mark.django_db
SEEDS = {
    "seeds": [1, 2, 3],
    "deltas_ppm": [50_000, 51_000, 49_000],
    "effects_ppm": [40_000, 41_000, 39_000],
    "sd_ppm": 1_000,
    "min_ppm": 49_000,
    "max_ppm": 51_000,
}


def page(project: Project, training: object, role: Role = Role.ENGINEER) -> str:
    url = reverse("admin:experiments_training_change", args=[training.pk])
    answer = staff_in(project, role).client.get(url)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_a_training_that_waits_says_so_and_refreshes() -> None:
    project = ProjectFactory()
    training = TrainingFactory(model__project=project)
    training.base.add(DatasetVersionFactory(dataset__project=project))
    shown = page(project, training)
    assert "Waiting for a worker" in shown
    assert "None yet: a worker fits the recipe twice" in shown


def test_a_training_that_failed_says_why() -> None:
    project = ProjectFactory()
    training = TrainingFactory(
        model__project=project, status="failed", explanation="One class only."
    )
    assert "One class only." in page(project, training)


def test_both_versions_and_the_gain_by_seed_are_shown_once_accepted() -> None:
    project = ProjectFactory()
    training = TrainingFactory(model__project=project, status="trained")
    arms = [ModelVersionFactory(model=training.model) for _ in range(2)]
    training.control, training.candidate = arms
    training.save()
    comparison = ComparisonFactory(
        benchmark=training.benchmark,
        baseline=training.baseline,
        candidate=training.candidate,
        status="accepted",
        delta_ppm=50_000,
        statistics={"seeds": SEEDS},
    )
    EvaluationFactory(comparison=comparison)
    shown = page(project, training)
    assert "+4.1" in shown
    assert "Standard deviation over seeds" in shown
    for version in arms:
        assert reverse("admin:registry_modelversion_change", args=[version.pk]) in shown


def test_seeds_of_a_refused_candidate_are_not_told_to_who_competes() -> None:
    project = ProjectFactory()
    training = TrainingFactory(model__project=project, status="trained")
    training.candidate = ModelVersionFactory(model=training.model)
    training.save()
    ComparisonFactory(
        benchmark=training.benchmark,
        baseline=training.baseline,
        candidate=training.candidate,
        status="refused",
        statistics={"seeds": SEEDS},
    )
    assert "+4.1" not in page(project, training)
    assert "+4.1" in page(project, training, Role.REVIEWER)


def test_a_training_of_another_project_is_as_if_absent() -> None:
    training = TrainingFactory()
    url = reverse("admin:experiments_training_change", args=[training.pk])
    assert staff_in(ProjectFactory(), Role.OWNER).client.get(url).status_code == 404
